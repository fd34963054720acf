//! The archive that a kernel unpacks as its first root: `newc` (Documentation/driver-api/early-userspace/buffer-format.rst).

/// An archive in the making.
pub(super) struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const DEVICE: u32 = 0o020_000;

impl Archive {
    /// An empty archive.
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), inode: 0 }
    }

    /// A directory; its parent must have been added before.
    pub(super) fn directory(&mut self, path: &str, mode: u32) {
        self.entry(path, DIRECTORY | mode, (0, 0), &[]);
    }

    /// A regular file.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, FILE | mode, (0, 0), content);
    }

    /// A character device.
    pub(super) fn device(&mut self, path: &str, mode: u32, number: (u32, u32)) {
        self.entry(path, DEVICE | mode, number, &[]);
    }

    /// The whole archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.inode += 1;
        let links = if mode & DIRECTORY == 0 { 1 } else { 2 };
        // The sizes are checked where files are read: nothing here comes near four gigabytes.
        let (size, name) = (content.len() as u32, path.len() as u32 + 1);
        let numbers = [self.inode, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name, 0];
        self.bytes.extend(b"070701");
        numbers.iter().for_each(|number| self.bytes.extend(format!("{number:08x}").bytes()));
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn headers_are_hexadecimal_and_everything_is_padded() {
        let mut archive = Archive::new();
        archive.directory("dev", 0o755);
        archive.file("dev/a", 0o644, b"hello");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..14], b"07070100000001");
        assert_eq!(&bytes[14..22], b"000041ed");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("dev/a\0") && text.contains("hello") && text.contains("TRAILER!!!"));
        assert_eq!(text.matches("070701").count(), 3);
    }
}
