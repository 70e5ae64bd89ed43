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

/// Whether a folder lies on a disk that a write-ahead log must not be used on.
#[cfg(target_os = "linux")]
pub(super) fn is_remote(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|s| REMOTE.contains(&(s.f_type as u32)))
}

/// Elsewhere SQLite is left to find out by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_remote(_folder: &Path) -> bool {
    false
}
