//! Hand-made blobs, damaged ones, and the running kernel's own.

use super::*;
use proptest::prelude::*;

/// Builds a blob type by type; names are put into the string section as they come.
#[derive(Default)]
struct Blob {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Blob {
    fn name(&mut self, name: &str) -> u32 {
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn push(&mut self, name: &str, info: u32, refers: u32, tail: &[u32]) -> u32 {
        let name = self.name(name);
        for word in [name, info, refers].iter().chain(tail) {
            self.types.extend(word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }

    fn int(&mut self) -> u32 {
        self.push("int", 1 << 24, 4, &[32])
    }

    fn container(&mut self, kind: u32, name: &str, members: &[(&str, u32, u32)]) -> u32 {
        let mut tail = Vec::new();
        for (member, of, bits) in members {
            tail.extend([self.name(member), *of, *bits]);
        }
        self.push(name, kind << 24 | u32::try_from(members.len()).unwrap(), 64, &tail)
    }

    fn bytes(mut self) -> Vec<u8> {
        self.name("");
        let (types, strings) =
            (u32::try_from(self.types.len()).unwrap(), u32::try_from(self.strings.len()).unwrap());
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, strings] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.types);
        bytes.extend(self.strings);
        bytes
    }

    fn btf(self) -> Btf {
        Btf::parse(self.bytes()).expect("sound")
    }
}

/// `struct outer { int a; union { const struct inner x; int y; }; struct inner z; }`, `struct inner { int p; int q; }`.
fn nested() -> Blob {
    let mut blob = Blob::default();
    let int = blob.int();
    let inner = blob.container(4, "inner", &[("p", int, 0), ("q", int, 32)]);
    let constant = blob.push("", 10 << 24, inner, &[]);
    let union = blob.container(5, "", &[("x", constant, 0), ("y", int, 0)]);
    blob.container(4, "outer", &[("a", int, 0), ("", union, 64), ("z", inner, 128)]);
    blob
}

#[test]
fn members_are_found_through_unions_constants_and_dots() {
    let btf = nested().btf();
    assert_eq!(btf.offset_of("outer", "a").unwrap(), 0);
    assert_eq!(btf.offset_of("outer", "y").unwrap(), 8);
    assert_eq!(btf.offset_of("outer", "x.q").unwrap(), 12);
    assert_eq!(btf.offset_of("outer", "z.q").unwrap(), 20);
}

#[test]
fn what_is_missing_is_named() {
    let btf = nested().btf();
    for (structure, member) in [("outer", "b"), ("outer", "z.r"), ("outer", "a.p"), ("nothing", "a")] {
        let error = btf.offset_of(structure, member).expect_err("missing").to_string();
        assert!(error.contains(structure) && error.contains(member), "{error}");
    }
    assert!(
        btf.function("security_file_open").expect_err("missing").to_string().contains("security_file_open")
    );
}

#[test]
fn structures_of_one_name_must_agree() {
    let mut blob = Blob::default();
    let int = blob.int();
    blob.container(4, "twin", &[("same", int, 0), ("moved", int, 32)]);
    blob.container(4, "twin", &[("same", int, 0), ("moved", int, 64), ("only", int, 96)]);
    let btf = blob.btf();
    assert_eq!(btf.offset_of("twin", "same").unwrap(), 0);
    assert_eq!(btf.offset_of("twin", "only").unwrap(), 12);
    assert!(matches!(btf.offset_of("twin", "moved"), Err(BtfError::Unclear { .. })));
}

#[test]
fn bit_fields_have_no_offset() {
    let mut blob = Blob::default();
    let int = blob.int();
    let name = blob.name("bit");
    blob.push("flags", 1 << 31 | 4 << 24 | 1, 4, &[name, int, 1 << 24 | 8]);
    assert!(matches!(blob.btf().offset_of("flags", "bit"), Err(BtfError::Unclear { .. })));
}

#[test]
fn hooks_are_found_by_name() {
    let mut blob = Blob::default();
    let int = blob.int();
    let prototype = blob.push("", 13 << 24, int, &[]);
    blob.push("vfs_open", 12 << 24, prototype, &[]);
    let hook = blob.push("bpf_lsm_file_open", 12 << 24, prototype, &[]);
    let btf = blob.btf();
    assert_eq!(btf.function("bpf_lsm_file_open").unwrap(), hook);
    assert!(matches!(btf.function("vfs_open"), Err(BtfError::NoFunction(_))));
}

#[test]
fn endless_chains_end() {
    let mut blob = Blob::default();
    // Two typedefs that are each other, and a union that contains itself.
    blob.push("a", 8 << 24, 2, &[]);
    blob.push("b", 8 << 24, 1, &[]);
    blob.container(4, "typedefs", &[("m", 1, 0)]);
    blob.container(5, "", &[("", 4, 0)]);
    blob.container(4, "unions", &[("", 4, 0)]);
    let btf = blob.btf();
    assert!(matches!(btf.offset_of("typedefs", "m.x"), Err(BtfError::Damaged { .. })));
    assert!(matches!(btf.offset_of("unions", "x"), Err(BtfError::Damaged { .. })));
}

#[test]
fn an_unknown_kind_is_an_error() {
    let mut blob = Blob::default();
    blob.push("new", 99 << 24, 0, &[]);
    assert!(matches!(Btf::parse(blob.bytes()), Err(BtfError::Damaged { .. })));
}

#[test]
fn every_cut_is_an_error_or_another_sound_blob() {
    let whole = nested().bytes();
    for length in 0..whole.len() {
        assert!(Btf::parse(whole[..length].to_vec()).is_err(), "cut to {length}");
    }
}

proptest! {
    #[test]
    fn damage_never_panics(at in 0_usize..400, byte in any::<u8>(), more in any::<[u8; 4]>()) {
        let mut bytes = nested().bytes();
        for (distance, value) in std::iter::once(byte).chain(more).enumerate() {
            let length = bytes.len();
            bytes[(at + distance * 7) % length] = value;
        }
        if let Ok(btf) = Btf::parse(bytes) {
            for member in ["a", "x.q", "z.q", "nothing"] {
                let _ = btf.offset_of("outer", member);
            }
        }
    }
}

/// The kernel that runs the tests shows its types wherever the eBPF layer can work at all.
#[test]
fn the_running_kernel_has_every_field() {
    let Ok(btf) = Btf::of_running_kernel() else {
        assert!(!Path::new(KERNEL).exists(), "it is there and cannot be read");
        return;
    };
    for field in abi::FIELDS {
        let offset = btf.offset_of(field.structure, field.member).expect(field.global);
        assert!(offset < 1 << 16, "{field:?} at {offset}");
    }
    assert_eq!(btf.offset_of("dentry", "d_parent").unwrap() % 8, 0);
    btf.function("security_file_open").expect("a hook of every kernel");
}
