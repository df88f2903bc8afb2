package selftest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

// floor is a server that decides nothing. An answer with tokens costs it one row written and one signature by ES256 (a service's token the
// signature alone), one about a token a signature checked and one row read, a code one row read and one written: a server that remembers no code
// would redeem it twice; a login costs its password's hash. So a hop of it is two transactions, as in the design's table, where a hop costs a refresh, a page and one more row.
type floor struct {
	db  *store.DB
	key *ecdsa.PrivateKey
	pw  *password.Hasher
	url string
}

// floorTx is what it writes.
type floorTx interface {
	KeepRequest(ctx context.Context, id string, body []byte, expires time.Time) error
}

const floorRow = "floor"

// ServeFloor serves the floor until ctx ends, and tells how it is measured before that.
func ServeFloor(ctx context.Context, database string, ready func(Target) error) (err error) {
	dir, err := os.MkdirTemp("", "portvakt-floor-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if database == "" {
		database = "sqlite:" + filepath.Join(dir, "floor.db")
	}
	f := &floor{pw: password.NewHasher(password.Standard)}
	if f.db, err = store.Open(ctx, store.Options{URL: database}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.db.Close()) }()
	if err := f.db.Migrate(ctx); err != nil {
		return err
	}
	if err := f.keep(ctx, floorRow); err != nil {
		return err
	}
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.url = fmt.Sprintf("http://%s", l.Addr())
	server := &http.Server{Handler: f.routes(), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t := Target{Issuer: f.url, ClientID: "floor", ClientSecret: "floor", RedirectURI: f.url + "/callback", Scope: "openid", Cookies: []string{"floor=1"},
		Service: "floor", ServiceSecret: "floor", HashAt: f.url + "/login", Password: phrase, PIDs: []int{os.Getpid()}}
	if err = ready(t); err == nil {
		<-ctx.Done()
	}
	err = errors.Join(err, server.Close())
	if stopped := <-done; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}

func (f *floor) keep(ctx context.Context, id string) error {
	return store.InTx[floorTx](f.db)(ctx, func(tx floorTx) error {
		return tx.KeepRequest(ctx, id, []byte(`{"sub":"floor","active":true}`), time.Now().Add(time.Hour))
	})
}

func (f *floor) routes() http.Handler {
	mux := http.NewServeMux()
	// As long as Portvakt's: bytes that were made beforehand cost what it costs to send them.
	discovery := f.json(struct {
		endpoints
		More string `json:"more"`
	}{endpoints{Issuer: f.url, Authorize: f.url + "/authorize", Token: f.url + "/token", Userinfo: f.url + "/userinfo", Introspect: f.url + "/introspect", JWKS: f.url + "/jwks"},
		strings.Repeat("x", 5000)})
	keys := f.json(map[string]any{"keys": []string{}, "more": strings.Repeat("x", 700)})
	mux.HandleFunc("GET "+discoveryPath, func(w http.ResponseWriter, _ *http.Request) { f.answer(w, discovery, nil) })
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { f.answer(w, keys, nil) })
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		code := secret.NewID()
		_, _, err := f.db.FindRequest(r.Context(), floorRow, time.Now())
		if err == nil {
			err = f.keep(r.Context(), code)
		}
		if err != nil {
			f.answer(w, nil, err)
			return
		}
		http.Redirect(w, r, q.Get("redirect_uri")+"?code="+code+"&state="+q.Get("state"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		_, err := f.pw.Hash(r.Context(), r.FormValue("password"))
		f.answer(w, nil, err)
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		f.tell(w, r, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) { f.tell(w, r, r.FormValue("token")) })
	return mux
}

func (f *floor) tell(w http.ResponseWriter, r *http.Request, token string) {
	i := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if sum := sha256.Sum256([]byte(token[:max(i, 0)])); err != nil || !ecdsa.VerifyASN1(&f.key.PublicKey, sum[:], signature) {
		f.answer(w, nil, errors.New("a foreign token"))
		return
	}
	body, _, err := f.db.FindRequest(r.Context(), floorRow, time.Now())
	f.answer(w, body, err)
}

func (f *floor) token(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	if err == nil && r.PostForm.Get("grant_type") != "client_credentials" {
		err = f.keep(r.Context(), secret.NewID())
	}
	body := base64.RawURLEncoding.EncodeToString(f.json(map[string]any{"alg": "ES256"})) + "." +
		base64.RawURLEncoding.EncodeToString(f.json(map[string]any{"iss": f.url, "sub": floorRow, "iat": time.Now().Unix()}))
	sum := sha256.Sum256([]byte(body))
	signature, failed := ecdsa.SignASN1(rand.Reader, f.key, sum[:])
	signed := body + "." + base64.RawURLEncoding.EncodeToString(signature)
	f.answer(w, f.json(tokens{Access: signed, ID: signed, Refresh: secret.NewID()}), errors.Join(err, failed))
}

func (f *floor) answer(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body) //nolint:errcheck // the client has gone away
}

func (f *floor) json(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers
	}
	return text
}
