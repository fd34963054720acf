//! The steps of the case `doors/…`, on the machine that runs the tests: the programs on control groups alone, as a kernel
//! has them that refuses programs on security hooks. Needs root; nobody else has such a layer.

use std::process::Command;

#[test]
fn doors_lead_there_and_nowhere_else() {
    let support = enforce::bpf::probe();
    if !support.support().network {
        let reason = support.support().network_missing.clone();
        assert!(reason.is_some(), "there is no reason why there is no network part");
        eprintln!("NOT RUN: {}", reason.unwrap_or_default());
        return;
    }
    let ran = Command::new(env!("CARGO_BIN_EXE_init")).arg("--doors").output().expect("it was built");
    let (out, error) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.contains("steps"), "{out}{error}");
}
