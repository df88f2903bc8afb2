package register

import (
	"fmt"
	"io"
	"os"
)

// Received is a file that has arrived, on disk for as long as it is read.
type Received struct{ *os.File }

// Receive keeps a file that comes as a stream. It stops reading where the file becomes larger than MaxFile.
func Receive(body io.Reader) (Received, int64, error) {
	f, err := os.CreateTemp("", "portvakt-register-*")
	if err != nil {
		return Received{}, 0, fmt.Errorf("keep the file: %w", err)
	}
	r := Received{f}
	size, err := io.Copy(f, io.LimitReader(body, MaxFile+1))
	if err == nil && size > MaxFile {
		err = ErrTooLarge
	}
	if err != nil {
		r.Close()
		return Received{}, 0, err
	}
	return r, size, nil
}

// Close removes the file.
func (r Received) Close() error {
	err := r.File.Close()
	if gone := os.Remove(r.Name()); err == nil {
		err = gone
	}
	return err
}
