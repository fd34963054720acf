//! Keys, and what becomes of the screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::act::Deed;
use super::super::columns::Column;
use super::super::keys::Wish;
use super::super::model::{Mode, Model, Notice};
use super::made::{model, sample, session, shown};

fn press(model: &mut Model, code: KeyCode) -> Wish {
    model.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn control(model: &mut Model, letter: char) -> Wish {
    model.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL))
}

/// Presses letters one after the other; what the last one wishes.
fn letters(model: &mut Model, text: &str) -> Wish {
    text.chars().fold(Wish::None, |_, letter| press(model, KeyCode::Char(letter)))
}

fn chosen(model: &Model) -> i32 {
    model.selected().map_or(0, |row| row.session.pid)
}

/// Sessions 1 to 9 on a screen with seven rows; the ninth uses the processor most and is the first.
fn nine() -> Model {
    let mut model = model(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    shown(&mut model, 80, 11);
    assert_eq!((chosen(&model), model.page()), (9, 7));
    model
}

#[test]
fn the_choice_walks_and_stays_on_the_list() {
    let mut model = nine();
    for (keys, pid) in [
        (vec![KeyCode::Down, KeyCode::Char('j')], 7),
        (vec![KeyCode::Up], 8),
        (vec![KeyCode::Char('J'), KeyCode::Up, KeyCode::Up], 9),
        (vec![KeyCode::PageDown], 2),
        (vec![KeyCode::PageDown], 1),
        (vec![KeyCode::PageUp], 8),
        (vec![KeyCode::End], 1),
        (vec![KeyCode::Down], 1),
        (vec![KeyCode::Home], 9),
        (vec![KeyCode::Char('G')], 1),
        (vec![KeyCode::Char('g')], 9),
    ] {
        keys.iter().for_each(|key| assert_eq!(press(&mut model, *key), Wish::None));
        assert_eq!(chosen(&model), pid, "{keys:?}");
        let visible: Vec<i32> = model.visible().map(|(row, _)| row.session.pid).collect();
        assert!(visible.len() == 7 && visible.contains(&pid), "{keys:?}: {visible:?}");
    }
    assert_eq!((control(&mut model, 'n'), chosen(&model)), (Wish::None, 8));
    assert_eq!((control(&mut model, 'p'), chosen(&model)), (Wish::None, 9));
}

#[test]
fn the_choice_goes_with_its_session() {
    let mut model = nine();
    press(&mut model, KeyCode::Down);
    letters(&mut model, "r");
    assert_eq!((chosen(&model), model.cursor()), (8, 7), "sorted the other way round");
    // It ends: whoever has its place is chosen, and at the end of the list the last one.
    model.take(sample(3, [1, 2, 9].map(|number| session(number, 3)).to_vec()));
    assert_eq!(chosen(&model), 9);
    model.take(sample(4, Vec::new()));
    assert!(model.selected().is_none() && model.target().is_none());
    model.take(sample(5, vec![session(4, 5)]));
    assert_eq!(chosen(&model), 4);
}

#[test]
fn columns_are_sorted_by_keys() {
    let mut model = nine();
    letters(&mut model, ">");
    assert_eq!((model.sort.column, model.sort.descending), (Column::Time, true));
    letters(&mut model, "<<<");
    press(&mut model, KeyCode::Left);
    press(&mut model, KeyCode::Right);
    assert_eq!(model.sort.column, Column::DenialRate);
    // The odd ones are refused something; among equals the order of the sample stays.
    let order: Vec<i32> = (0..9)
        .map(|place| {
            model.choose(place);
            chosen(&model)
        })
        .collect();
    assert_eq!(order, [1, 3, 5, 7, 9, 2, 4, 6, 8]);
    (0..Column::ALL.len()).for_each(|_| drop(letters(&mut model, "<")));
    assert_eq!(model.sort.column, Column::DenialRate, "round and round");
}

#[test]
fn a_filter_follows_what_is_typed_and_is_taken_back() {
    let mut model = nine();
    letters(&mut model, "/SERVER-3");
    assert_eq!((model.count(), chosen(&model)), (1, 3));
    press(&mut model, KeyCode::Backspace);
    assert_eq!(model.count(), 9);
    letters(&mut model, "kq");
    assert_eq!((model.count(), model.selected().is_none()), (0, true), "letters are text");
    control(&mut model, 'u');
    letters(&mut model, "policy-4");
    press(&mut model, KeyCode::Enter);
    assert_eq!((&model.mode, model.filter.as_str(), model.count()), (&Mode::Table, "policy-4", 1));
    letters(&mut model, "/x");
    assert_eq!(model.count(), 0);
    press(&mut model, KeyCode::Esc);
    assert_eq!((model.filter.as_str(), model.count()), ("policy-4", 1), "as it was before");
}

#[test]
fn users_are_filtered_by_name_and_number() {
    let mut model = nine();
    let mut other = session(2, 3);
    (other.uid, other.user) = (1001, "grace".to_owned());
    model.take(sample(3, vec![session(1, 3), other]));
    for (user, count) in [("grace", 1), ("1001", 1), ("gra", 0), ("1000", 1), ("", 2)] {
        letters(&mut model, "u");
        control(&mut model, 'u');
        letters(&mut model, user);
        press(&mut model, KeyCode::Enter);
        assert_eq!(model.count(), count, "{user}");
    }
}

#[test]
fn what_is_typed_has_an_end_and_no_controls() {
    let mut model = nine();
    letters(&mut model, "/");
    model.paste(&"long\n\u{1b}[2J".repeat(100));
    letters(&mut model, "more");
    assert_eq!(model.filter.chars().count(), 64);
    assert!(!model.filter.chars().any(char::is_control), "{:?}", model.filter);
}

#[test]
fn killing_asks_and_names_the_session() {
    let mut model = nine();
    let target = model.target().expect("it is chosen");
    assert_eq!(letters(&mut model, "k"), Wish::None);
    assert_eq!(model.mode, Mode::Confirm(target.clone()));
    // The list changes under the question: it is still about the same session.
    model.take(sample(3, vec![session(1, 3), session(9, 3)]));
    assert_eq!(letters(&mut model, "y"), Wish::Act(Deed::Kill, target.clone()));
    assert_eq!(model.mode, Mode::Table);
    for no in ["n", "q", "k", " "] {
        letters(&mut model, "k");
        assert_eq!((letters(&mut model, no), &model.mode), (Wish::None, &Mode::Table), "{no}");
    }
    letters(&mut model, "k");
    assert_eq!(press(&mut model, KeyCode::Enter), Wish::None);
    letters(&mut model, "k");
    assert_eq!((press(&mut model, KeyCode::Esc), &model.mode), (Wish::None, &Mode::Table));
}

#[test]
fn a_paste_is_no_keys() {
    let mut model = nine();
    model.paste("k");
    assert_eq!(model.mode, Mode::Table);
    letters(&mut model, "k");
    model.paste("y");
    assert!(matches!(model.mode, Mode::Confirm(_)));
}

#[test]
fn freezing_and_thawing_do_not_ask() {
    let mut model = nine();
    let target = model.target().expect("it is chosen");
    assert_eq!(letters(&mut model, "f"), Wish::Act(Deed::Freeze, target.clone()));
    assert_eq!(letters(&mut model, "t"), Wish::Act(Deed::Thaw, target));
    let mut nobody = Model::default();
    for key in ["k", "f", "t"] {
        assert_eq!((letters(&mut nobody, key), &nobody.mode), (Wish::None, &Mode::Table), "{key}");
    }
}

#[test]
fn there_are_three_ways_out() {
    let mut model = nine();
    assert_eq!(letters(&mut model, "q"), Wish::Leave);
    assert_eq!(press(&mut model, KeyCode::Esc), Wish::Leave);
    for before in ["", "/", "u", "k", "?"] {
        letters(&mut model, before);
        assert_eq!(control(&mut model, 'c'), Wish::Leave, "after {before}");
    }
}

#[test]
fn the_list_of_keys_comes_and_goes_and_a_notice_goes_with_a_key() {
    let mut model = nine();
    model.notice = Some(Notice { text: "not ended".to_owned(), is_failure: true });
    letters(&mut model, "?");
    assert_eq!((&model.mode, &model.notice), (&Mode::Help, &None));
    assert_eq!((letters(&mut model, "q"), &model.mode), (Wish::None, &Mode::Table));
    assert_eq!((control(&mut model, 'l'), control(&mut model, 'z')), (Wish::Redraw, Wish::Suspend));
}
