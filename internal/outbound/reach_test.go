package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers each name with an address, over real UDP; a name that it does not know does not exist.
func nameServer(t *testing.T, names map[string]netip.Addr) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if answer, err := resolve(b[:n], names); err == nil {
				c.WriteTo(answer, from) //nolint:errcheck // the resolver asks again
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

func resolve(question []byte, names map[string]netip.Addr) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Additionals = true, nil
	name := m.Questions[0].Name
	addr, known := names[strings.TrimSuffix(strings.ToLower(name.String()), ".")]
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1}
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case addr.Is4() && m.Questions[0].Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case addr.Is6() && m.Questions[0].Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	return m.Pack()
}

func TestANameThatLeadsInsideIsRefusedWhenItIsNamedAndWhenItIsCalled(t *testing.T) {
	names := nameServer(t, map[string]netip.Addr{
		"public.example": netip.MustParseAddr("93.184.216.34"), "inside.example": netip.MustParseAddr("10.0.0.5"),
		"metadata.example": netip.MustParseAddr("169.254.169.254"), "metadata6.example": netip.MustParseAddr("fd00:ec2::254"),
		"me.example": netip.MustParseAddr("127.0.0.1"),
	})
	may := mayCall(names, nil)
	for _, good := range []string{"https://public.example/x", "https://93.184.216.34/x"} {
		if err := may(t.Context(), good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	client := newClient(nil, names)
	for _, bad := range []string{"https://inside.example/x", "https://metadata.example/x", "https://metadata6.example/x", "https://me.example/x",
		"https://169.254.169.254/x", "https://[fd00:ec2::254]/x", "https://127.0.0.1/x"} {
		if err := may(t.Context(), bad); !errors.Is(err, ErrForbidden) {
			t.Errorf("named: %s: %v", bad, err)
		}
		if _, err := client.Get(bad); !errors.Is(err, ErrForbidden) {
			t.Errorf("called: %s: %v", bad, err)
		}
	}
	for _, bad := range []string{"https://nobody.example/x", "https://", "%%%"} {
		if err := may(t.Context(), bad); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := mayCall(names, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})(t.Context(), "https://inside.example/x"); err != nil {
		t.Errorf("what the operator allows: %v", err)
	}
}

func TestASilentNameServerIsNoReasonToSayNo(t *testing.T) {
	broken := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("down") }}
	if err := mayCall(broken, nil)(t.Context(), "https://public.example/x"); err != nil {
		t.Error(err)
	}
}
