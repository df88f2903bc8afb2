package selftest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// visitor is a browser without scripts that follows no redirect by itself.
type visitor struct {
	url, ip string
	client  *http.Client
}

func newVisitor(base string, i int) (visitor, error) {
	jar, err := cookiejar.New(nil)
	return visitor{url: base, ip: fmt.Sprintf("10.%d.%d.7", i/250%250, i%250), client: &http.Client{Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, err
}

// send makes a request, reads the whole answer, and says how long that took.
func (v visitor) send(ctx context.Context, method, path string, form url.Values, want int) (*http.Response, []byte, time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.url+strings.TrimPrefix(path, v.url), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, 0, err
	}
	r.Header.Set("X-Forwarded-For", v.ip)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.url)
	}
	begin := time.Now()
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, nil, 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	took := time.Since(begin)
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s %s: %s, want %d", method, path, answer.Status, want)
	}
	return answer, body, took, err
}

// begin starts an attempt with the address typed, and returns its id.
func (v visitor) begin(ctx context.Context, address string) (string, error) {
	answer, _, _, err := v.send(ctx, http.MethodGet, "/account", nil, http.StatusSeeOther)
	if err != nil {
		return "", err
	}
	id := strings.TrimPrefix(answer.Header.Get("Location"), "/signin/")
	_, _, _, err = v.send(ctx, http.MethodPost, "/signin/"+id, url.Values{"address": {address}}, http.StatusSeeOther)
	return id, err
}

// logIn logs somebody in with her password.
func (v visitor) logIn(ctx context.Context, address, password string) error {
	id, err := v.begin(ctx, address)
	if err == nil {
		_, _, _, err = v.send(ctx, http.MethodPost, "/signin/"+id+"/password", url.Values{"password": {password}}, http.StatusSeeOther)
	}
	return err
}

// leave takes the session from the browser, as its end does. What else it knows stays.
func (v visitor) leave() error {
	here, err := url.Parse(v.url)
	if err != nil {
		return err
	}
	for _, c := range v.client.Jar.Cookies(here) {
		if strings.HasSuffix(c.Name, "pv_session") { // over https it has a prefix
			v.client.Jar.SetCookies(here, []*http.Cookie{{Name: c.Name, Path: "/", Secure: here.Scheme == "https", MaxAge: -1}})
		}
	}
	return nil
}

// failPassword times a sign-in with a wrong password.
func (v visitor) failPassword(ctx context.Context, address string) (time.Duration, error) {
	id, err := v.begin(ctx, address)
	if err != nil {
		return 0, err
	}
	_, _, took, err := v.send(ctx, http.MethodPost, "/signin/"+id+"/password", url.Values{"password": {"fel lösenord, men långt"}},
		http.StatusUnprocessableEntity)
	return took, err
}

// askForLink times a request for a reset.
func (v visitor) askForLink(ctx context.Context, address string) (time.Duration, error) {
	id, err := v.begin(ctx, address)
	if err != nil {
		return 0, err
	}
	_, body, _, err := v.send(ctx, http.MethodPost, "/recovery/challenge/"+id, nil, http.StatusOK)
	if err != nil {
		return 0, err
	}
	answer, err := solve(body)
	if err != nil {
		return 0, err
	}
	_, _, took, err := v.send(ctx, http.MethodPost, "/recovery/start/"+id, url.Values{"address": {address}, "want": {"reset"}, "robot": {answer}},
		http.StatusSeeOther)
	return took, err
}

// solve answers the robot check as the page's script does.
func solve(body []byte) (string, error) {
	var p struct {
		Challenge, Salt, Token string
		Max                    int
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return "", err
	}
	for n := 0; n <= p.Max; n++ {
		sum := sha256.Sum256([]byte(p.Salt + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == p.Challenge {
			return p.Token + "." + strconv.Itoa(n), nil
		}
	}
	return "", fmt.Errorf("the puzzle has no answer")
}
