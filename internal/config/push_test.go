package config_test

import "testing"

func TestAPushServiceIsToldWhomToAsk(t *testing.T) {
	for contact, want := range map[string]string{"": "https://login.example.com", "mailto:ops@example.com": "mailto:ops@example.com", "https://example.com/ops": "https://example.com/ops"} {
		s := good()
		s.PushContact = contact
		if err := s.CheckServing(); err != nil || s.PushSubject() != want {
			t.Errorf("%q: %q %v", contact, s.PushSubject(), err)
		}
	}
	s := good()
	s.Issuer, s.Demo = "http://localhost:8080", true
	if got := s.PushSubject(); got != "mailto:operator@localhost" {
		t.Errorf("the demo: %q", got)
	}
	for _, contact := range []string{"ops@example.com", "mailto:", "mailto:Ops <ops@example.com>", "http://example.com", "https://", "https://a:b@example.com", "tel:+4670"} {
		s := good()
		s.PushContact = contact
		complains(t, contact, s.Check(), "push-contact", "mailto:login@example.com")
	}
}
