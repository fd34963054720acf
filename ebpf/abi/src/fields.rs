//! The fields of kernel structures that the programs read, and the names of the read-only globals that carry their offsets.
//!
//! Offsets differ between kernels (`file.f_path` is at 16, 152 or 64), and Rust emits no relocations for them, so the
//! supervisor looks them up in the running kernel's type information and sets them before it loads a program.
//! A field that is missing refuses every program that needs it.

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The read-only global of the programs, a `u32` with the offset in bytes.
    pub global: &'static str,
    /// The structure.
    pub structure: &'static str,
    /// The member; a dot leads into an embedded structure. Anonymous unions and structures are searched too.
    pub member: &'static str,
}

const fn field(global: &'static str, structure: &'static str, member: &'static str) -> Field {
    Field { global, structure, member }
}

/// Every field that some program needs.
pub const FIELDS: &[Field] = &[
    field("FILE_PATH", "file", "f_path"),
    field("FILE_FLAGS", "file", "f_flags"),
    field("FILE_MODE", "file", "f_mode"),
    field("PATH_MOUNT", "path", "mnt"),
    field("PATH_DENTRY", "path", "dentry"),
    field("DENTRY_PARENT", "dentry", "d_parent"),
    field("DENTRY_LENGTH", "dentry", "d_name.len"),
    field("DENTRY_BYTES", "dentry", "d_name.name"),
    field("DENTRY_INODE", "dentry", "d_inode"),
    field("DENTRY_SUPER", "dentry", "d_sb"),
    field("MOUNT_POINT", "mount", "mnt_mountpoint"),
    field("MOUNT_PARENT", "mount", "mnt_parent"),
    field("MOUNT_VFS", "mount", "mnt"),
    field("VFS_ROOT", "vfsmount", "mnt_root"),
    field("INODE_LINKS", "inode", "i_nlink"),
    field("SUPER_FLAGS", "super_block", "s_flags"),
    field("BINPRM_FILE", "linux_binprm", "file"),
    field("AREA_FILE", "vm_area_struct", "vm_file"),
    field("TASK_TGID", "task_struct", "tgid"),
    field("TASK_STORAGE", "task_struct", "bpf_storage"),
    field("TASK_ROOT", "task_struct", "fs"),
    field("TASK_PERSONALITY", "task_struct", "personality"),
    field("FS_ROOT", "fs_struct", "root"),
    field("SOCKET_SOCK", "socket", "sk"),
    field("SOCK_CGROUP", "sock", "sk_cgrp_data.cgroup"),
    field("CGROUP_NODE", "cgroup", "kn"),
    field("NODE_ID", "kernfs_node", "id"),
    field("UNIX_PATH", "unix_sock", "path"),
    field("MESSAGE_NAME", "msghdr", "msg_name"),
];

#[cfg(test)]
mod tests {
    use super::FIELDS;

    #[test]
    fn no_global_has_two_meanings() {
        for (index, field) in FIELDS.iter().enumerate() {
            assert!(FIELDS[..index].iter().all(|other| other.global != field.global), "{}", field.global);
        }
    }
}
