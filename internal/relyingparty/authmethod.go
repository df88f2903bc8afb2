package relyingparty

import (
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

// AuthMethod is a method of client authentication (OIDC Core §9).
type AuthMethod string

// The methods that an RP can be held to.
const (
	// PrivateKeyJWT is a JWT that the RP signs with a key of its own (RFC 7523 §2.2): there is no secret that could leak.
	PrivateKeyJWT AuthMethod = "private_key_jwt"
	// SecretJWT is a JWT with a MAC by the RP's secret, which never travels. Both sides must have the secret itself.
	SecretJWT AuthMethod = "client_secret_jwt"
	// SecretBasic and SecretPost are the secret in the header and in the body; an RP that insists on one is not taken by the other.
	SecretBasic AuthMethod = "client_secret_basic"
	SecretPost  AuthMethod = "client_secret_post"
)

// AuthMethods lists them.
func AuthMethods() []AuthMethod {
	return []AuthMethod{SecretBasic, SecretPost, SecretJWT, PrivateKeyJWT}
}

// Signs says whether the RP proves itself by a JWT.
func (m AuthMethod) Signs() bool { return m == PrivateKeyJWT || m == SecretJWT }

// SharedAlgs are the algorithms of SecretJWT (RFC 7518 §3.2).
func SharedAlgs() []string { return []string{"HS256", "HS384", "HS512"} }

// checkAlg says whether a method signs by the algorithm.
func (m AuthMethod) checkAlg(alg string) bool {
	switch m {
	case SecretJWT:
		return slices.Contains(SharedAlgs(), alg)
	case PrivateKeyJWT:
		return slices.Contains(ObjectAlgs(), alg)
	}
	return false
}

const secretPurpose = secret.Purpose("client secret")

// forAsLong is how long a sealed secret is good: the RP keeps it for years.
const forAsLong = 100 * 365 * 24 * time.Hour

// SealSecret is the form in which the secret of an RP with SecretJWT rests: a hash could check no MAC.
func SealSecret(k *secret.Keyring, clientID string, t secret.Token, now time.Time) []byte {
	return k.SealBytes(secretPurpose, clientID, []byte(t.Reveal()), now)
}

// OpenSecret reads what SealSecret made. It fails with secret.ErrSealed.
func OpenSecret(k *secret.Keyring, clientID string, sealed []byte, now time.Time) ([]byte, error) {
	return k.OpenBytes(secretPurpose, clientID, sealed, forAsLong, now)
}
