//! What kind of disk a folder lies on.

use std::path::Path;

/// File systems whose files other machines may have open, or whose shared memory cannot be relied on: a write-ahead log
/// does not work there. By the numbers of Linux' `statfs(2)`. FUSE is among them because sshfs cannot be told from the
/// others by number.
#[cfg(target_os = "linux")]
const REMOTE: &[u32] = &[
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x7375_7245, // CODA
    0x5346_414f, // AFS
    0x6b41_4653, // AFS of the kernel
    0x00c3_6400, // CEPH
    0x786f_4256, // folders shared by VirtualBox
    0x0bd0_0bd0, // Lustre
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x4750_4653, // GPFS
];

/// Whether a file system of this kind, by its number, may be another machine's.
#[cfg(target_os = "linux")]
fn is_remote_kind(kind: u32) -> bool {
    REMOTE.contains(&kind)
}

/// Whether a folder lies on a disk that a write-ahead log must not be used on, and that does not tell what others write
/// to it. Where that cannot be told, it does not.
#[cfg(target_os = "linux")]
pub fn is_remote(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|s| is_remote_kind(s.f_type as u32))
}

/// Elsewhere SQLite is left to find out by itself.
#[cfg(not(target_os = "linux"))]
pub fn is_remote(_folder: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn disks_of_other_machines_are_known_by_number() {
        // The numbers as `statfs(2)` and linux/magic.h have them, the wide ones as they come in a signed field.
        let remote: [i64; 8] = [
            0x6969,
            0x517b,
            i64::from(0xff53_4d42_u32.cast_signed()),
            i64::from(0xfe53_4d42_u32.cast_signed()),
            0x6573_5546,
            0x0102_1997,
            0x00c3_6400,
            0x0bd0_0bd0,
        ];
        for kind in remote {
            assert!(is_remote_kind(kind as u32), "{kind:x}");
        }
        // ext4, xfs, btrfs, tmpfs, zfs, overlayfs, f2fs.
        let local: [i64; 7] = [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x2fc1_2fc1,
            0x794c_7630,
            0xf2f5_2010,
        ];
        for kind in local {
            assert!(!is_remote_kind(kind as u32), "{kind:x}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_remote() {
        assert!(!is_remote(Path::new("/nowhere/at/all")));
    }
}
