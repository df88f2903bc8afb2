package app

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestARequestThatOutlivesTheGraceIsCutOffAndSaidSo uses a grace that is over at once: that is all there is about time in it.
func TestARequestThatOutlivesTheGraceIsCutOffAndSaidSo(t *testing.T) {
	begun, gone := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(gone)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ends := make(chan error)
	go func() { ends <- server.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	err = stop(time.Nanosecond, server)
	if err == nil || !strings.Contains(err.Error(), "some requests were cut off") || strings.Contains(err.Error(), "deadline") {
		t.Error(err)
	}
	<-gone
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
		t.Error("the request was answered")
	}
	if err := ended(<-ends); err != nil {
		t.Error(err)
	}
}
