package terminal

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// proof makes a DPoP proof (RFC 9449 §4.2). Its time is not judged beside a nonce (§2 of the protocol).
func proof(k *ecdsa.PrivateKey, method, url, nonce, accessToken string, now time.Time) (string, error) {
	public, err := publicOf(k)
	if err != nil {
		return "", err
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = b64(sum[:])
	}
	return sign(k, map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, claims)
}

// nonces are those that issuers have sent last.
type nonces struct {
	mu  sync.Mutex
	all map[string]string
}

func (n *nonces) get(issuer string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[issuer]
}

func (n *nonces) set(issuer, nonce string) {
	if nonce == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[string]string{}
	}
	n.all[issuer] = nonce
}
