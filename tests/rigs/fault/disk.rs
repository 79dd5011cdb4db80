//! Disks of the test's own: small ones that fill up, and one that becomes read-only while files
//! on it are open, as the kernel does it after an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of a few MiB in memory.
pub(super) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(super) fn mount(place: PathBuf, mib: u32) -> SmallDisk {
        fs::create_dir_all(&place).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m,mode=700"), "none"], &place);
        SmallDisk(place)
    }

    /// Writes until not a byte more fits.
    pub(super) fn fill(&self) {
        let mut file = fs::File::create(self.0.join("ballast")).unwrap();
        let full = std::io::copy(&mut std::io::repeat(7), &mut file);
        assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }

    pub(super) fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// An ext4 in a file beside its mount point.
pub(super) struct Ext4 {
    image: PathBuf,
    place: PathBuf,
}

impl Ext4 {
    /// Nothing where this machine has no loop devices.
    pub(super) fn mount(place: PathBuf) -> Option<Ext4> {
        let image = place.with_extension("ext4");
        fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        fs::create_dir_all(&place).unwrap();
        run("mkfs.ext4", &["-q", "-F"], &image);
        let disk = Ext4 { image, place };
        disk.attach().then_some(disk)
    }

    fn attach(&self) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop,errors=remount-ro"]).arg(&self.image).arg(&self.place);
        mount.output().is_ok_and(|output| output.status.success())
    }

    /// What the kernel does after an error of the disk: from now on every write is EROFS, for files
    /// that are open too. A plain remount would be refused because of those.
    pub(super) fn abort(&self) {
        // It is made read-only, and that is told as a failure by some versions of mount(8).
        let _ = Command::new("mount").args(["-o", "remount,abort"]).arg(&self.place).output();
        let probe = fs::write(self.place.join("probe"), "");
        assert_eq!(probe.unwrap_err().kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    }

    /// What the operator does then, once nobody uses it any more.
    pub(super) fn repair(&self) {
        run("umount", &[], &self.place);
        // 1: errors were corrected (e2fsck(8)); some of them only for whoever says yes to it.
        let check = Command::new("e2fsck").arg("-fy").arg(&self.image).output().unwrap();
        assert!(check.status.code().is_some_and(|code| code <= 1), "{check:?}");
        assert!(self.attach());
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        unmount(&self.place);
    }
}

fn run(program: &str, args: &[&str], last: &Path) {
    let status = Command::new(program).args(args).arg(last).status();
    assert!(status.unwrap().success(), "{program} {}", last.display());
}

fn unmount(place: &Path) {
    // Lazily: a daemon of a failed test may still be there.
    let _ = Command::new("umount").arg("-l").arg(place).status();
}
