//! Socket addresses as a caller wrote them: read without harm, and what the kernel gets means the same as what was judged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(judged) = enforce::read_address(bytes) else { return };
    let given = enforce::write_address(judged);
    assert!(given.len() == 16 || given.len() == 28, "a sockaddr_in or a sockaddr_in6");
    assert_eq!(enforce::read_address(&given), Some(judged));
    // What follows an address is not looked at.
    let longer: Vec<u8> = given.iter().copied().chain(bytes.iter().copied()).collect();
    assert_eq!(enforce::read_address(&longer), Some(judged));
});
