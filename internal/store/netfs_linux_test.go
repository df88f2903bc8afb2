package store

import (
	"strings"
	"testing"
)

func TestFileSystemsAreToldApart(t *testing.T) {
	const mounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/far\040away rw - fuse.sshfs me@host:/ rw
31 22 0:41 / /mnt/usb rw - fuseblk /dev/sdb1 rw
`
	for _, c := range []struct {
		magic uint32
		dir   string
		want  fileSystem
	}{
		{0xEF53, "/", fileSystem{}},     // ext4
		{0x01021994, "/", fileSystem{}}, // tmpfs
		{0x794C7630, "/", fileSystem{}}, // overlayfs
		{0x6969, "/", fileSystem{name: "NFS", network: true}},
		{0xFF534D42, "/", fileSystem{name: "CIFS", network: true}},
		{0x517B, "/", fileSystem{name: "SMB", network: true}},
		{magic9P, "/", fileSystem{name: "9p", doubt: true}},
		{magicFUSE, "/mnt/far away/data", fileSystem{name: "FUSE (fuse.sshfs)", network: true}},
		{magicFUSE, "/mnt/usb/data", fileSystem{name: "FUSE (fuseblk)"}},
		{magicFUSE, "/mnt/usbstick", fileSystem{name: "FUSE (ext4)", network: true}}, // not below /mnt/usb: unknown, so refused
	} {
		if got := classify(c.magic, c.dir, strings.NewReader(mounts)); got != c.want {
			t.Errorf("%x at %s: %+v", c.magic, c.dir, got)
		}
	}
}
