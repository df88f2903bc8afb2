package store

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// networkMagic are the f_type values of statfs(2) that mean another machine.
var networkMagic = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB",
	0x5346414F: "AFS",
	0x73757245: "Coda",
	0x564C:     "NCP",
	0x00C36400: "Ceph",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x7461636F: "OCFS2",
	0x01161970: "GFS2",
	0x786F4256: "a VirtualBox share",
}

const (
	magicFUSE = 0x65735546
	magic9P   = 0x01021997
)

// localFUSE are programs that keep files on this machine. Any other one (sshfs, s3fs, rclone, …) may be far away.
var localFUSE = map[string]bool{
	"fuseblk": true, "fuse.fuse-overlayfs": true, "fuse.gocryptfs": true, "fuse.encfs": true, "fuse.ntfs-3g": true,
}

func fileSystemOf(dir string) (fileSystem, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fileSystem{}, err
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return classify(uint32(st.Type), dir, strings.NewReader("")), nil
	}
	defer mounts.Close()
	return classify(uint32(st.Type), dir, mounts), nil
}

// classify judges a statfs type; mounts is /proc/self/mountinfo, which alone tells one FUSE from another.
func classify(magic uint32, dir string, mounts io.Reader) fileSystem {
	if name, ok := networkMagic[magic]; ok {
		return fileSystem{name: name, network: true}
	}
	switch magic {
	case magic9P:
		return fileSystem{name: "9p", doubt: true}
	case magicFUSE:
		kind := mountedAs(dir, mounts)
		return fileSystem{name: "FUSE (" + kind + ")", network: !localFUSE[kind]}
	}
	return fileSystem{}
}

// mountedAs finds the file system type of the innermost mount above dir.
func mountedAs(dir string, mounts io.Reader) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	kind, longest := "unknown", -1
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		// "36 35 98:0 /root /mount/point options - type source …"
		left, right, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 {
			continue
		}
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		inside := dir == point || point == "/" || strings.HasPrefix(dir, point+"/")
		if inside && len(point) >= longest {
			kind, _, _ = strings.Cut(right, " ")
			longest = len(point)
		}
	}
	return kind
}
