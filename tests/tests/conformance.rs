//! The conformance table: every case in every protocol revision, through `mcpguard exec` and without it.
//! `docs/conformance.md` must tell what is seen here; `MCPGUARD_WRITE_DOCS=1` writes it.

use anyhow::{Context, Result, ensure};
use harness::conformance::{Case, Page, Revision, Row, Trial, Verdict, cases, table};

/// What becomes of every case of one revision.
fn session(
    cases: &[Case],
    revision: Revision,
    begin: impl FnOnce(Revision) -> Result<Trial>,
) -> Result<Vec<Option<Verdict>>> {
    let mut trial = begin(revision)?;
    let mut all = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let tried = case.is_in(revision).then(|| trial.case(case, number + 1));
        all.push(tried.transpose().with_context(|| format!("{}: {}", revision.0, case.name))?);
    }
    trial.end()?;
    Ok(all)
}

/// Where what was seen is not what the case says.
fn differences(cases: &[Case], revision: Revision, seen: &[Option<Verdict>]) -> Vec<String> {
    let tried = cases.iter().zip(seen).filter_map(|(case, seen)| Some((case, seen.as_ref()?)));
    let other =
        tried.filter(|(case, seen)| seen.fate != case.fate(revision) || seen.log != case.log(revision));
    other
        .map(|(case, Verdict { fate, log })| {
            let (wanted, told) = (case.fate(revision), case.log(revision));
            format!("{}: {}: {fate} [{log}], must be {wanted} [{told}]", revision.0, case.name)
        })
        .collect()
}

/// Without the guard, every line arrives as it is.
fn bare(cases: &[Case]) -> Result<Vec<String>> {
    let mut arrived = vec![String::new(); cases.len()];
    for revision in Revision::ALL {
        let seen = session(cases, revision, Trial::bare)?;
        for (place, verdict) in arrived.iter_mut().zip(seen) {
            let Some(Verdict { fate, .. }) = verdict else { continue };
            ensure!(fate == "passes", "without the guard: {fate}");
            "arrives".clone_into(place);
        }
    }
    Ok(arrived)
}

#[test]
fn every_case_ends_as_the_table_says() -> Result<()> {
    let cases = cases()?;
    let mut seen = Vec::new();
    let mut wrong = Vec::new();
    for revision in Revision::ALL {
        let verdicts = session(&cases, revision, Trial::guarded)?;
        wrong.extend(differences(&cases, revision, &verdicts));
        seen.push(verdicts);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut rows = Vec::new();
    for (index, (case, bare)) in cases.iter().zip(bare(&cases)?).enumerate() {
        rows.push(Row {
            section: case.section.clone(),
            name: case.name.clone(),
            speaker: case.speaker().context("nobody speaks")?,
            verdicts: seen.iter().map(|verdicts| verdicts[index].clone()).collect(),
            bare,
        });
    }
    let table = table(&rows);
    println!("{table}");
    Page("table").must_be(&table)
}
