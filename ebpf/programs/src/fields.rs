//! The offsets of kernel structures: read-only globals, one for each entry of [`abi::FIELDS`].
//!
//! The verifier sees them as constants, because the supervisor freezes them before it loads a program. An offset that
//! was not set lies outside of every structure, so that the program is refused.

use aya_ebpf::Global;

const UNSET: u32 = 0x7fff_ffff;

macro_rules! fields {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            pub(crate) static $name: Global<u32> = Global::new(UNSET);
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

fields! {
    FILE_PATH FILE_FLAGS FILE_MODE PATH_MOUNT PATH_DENTRY
    DENTRY_PARENT DENTRY_LENGTH DENTRY_BYTES DENTRY_INODE DENTRY_SUPER
    MOUNT_POINT MOUNT_PARENT MOUNT_VFS VFS_ROOT INODE_LINKS SUPER_FLAGS
    BINPRM_FILE AREA_FILE TASK_TGID TASK_STORAGE TASK_ROOT TASK_PERSONALITY FS_ROOT
    SOCKET_SOCK SOCK_CGROUP CGROUP_NODE NODE_ID UNIX_PATH MESSAGE_NAME
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

// Both lists name the same globals.
const _: () = {
    assert!(NAMES.len() == abi::FIELDS.len());
    let mut at = 0;
    while at < NAMES.len() {
        let mut known = false;
        let mut other = 0;
        while other < abi::FIELDS.len() {
            known |= same(NAMES[at], abi::FIELDS[other].global);
            other += 1;
        }
        assert!(known);
        at += 1;
    }
};
