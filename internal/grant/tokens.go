package grant

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Tokens is a token response (OIDC Core §3.1.3.3).
type Tokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// IssuedTokenType says what was made in a token exchange (RFC 8693 §2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	IDToken         string `json:"id_token,omitempty"`
	RefreshToken    string `json:"refresh_token,omitempty"`
	Scope           string `json:"scope"`
}

// accessClaims are those of RFC 9068 §2.2, and the grant, so that userinfo can ask whether it stands.
type accessClaims struct {
	Issuer   string      `json:"iss"`
	Subject  string      `json:"sub"`
	Audience string      `json:"aud"`
	ClientID string      `json:"client_id"`
	Issued   int64       `json:"iat"`
	Expires  int64       `json:"exp"`
	ID       string      `json:"jti"`
	Scope    string      `json:"scope"`
	AuthTime int64       `json:"auth_time,omitempty"`
	ACR      session.ACR `json:"acr,omitempty"`
	AMR      []string    `json:"amr,omitempty"`
	Actor    *actor      `json:"act,omitempty"`
	Grant    string      `json:"grant,omitempty"` // none: a service's token, which stands for nobody
	// Confirmation is the key that the token is bound to (RFC 9449 §6.1).
	Confirmation *confirmation `json:"cnf,omitempty"`
}

type confirmation struct {
	JKT string `json:"jkt"`
}

func (c accessClaims) jkt() string {
	if c.Confirmation == nil {
		return ""
	}
	return c.Confirmation.JKT
}

// idClaims are those of OIDC Core §2, and sid (Back-Channel Logout §2.1).
type idClaims struct {
	Issuer   string      `json:"iss"`
	Subject  string      `json:"sub"`
	Audience string      `json:"aud"`
	Issued   int64       `json:"iat"`
	Expires  int64       `json:"exp"`
	AuthTime int64       `json:"auth_time"`
	Nonce    string      `json:"nonce,omitempty"`
	ACR      session.ACR `json:"acr"`
	AMR      []string    `json:"amr"`
	SID      string      `json:"sid,omitempty"` // none: no session stands behind the grant
	AtHash   string      `json:"at_hash,omitempty"`
	CodeHash string      `json:"c_hash,omitempty"` // §3.3.2.11: beside a code that came by way of the browser
	// StateHash binds the state to the ID token that comes beside it (FAPI 1.0 Advanced §5.1.1).
	StateHash string `json:"s_hash,omitempty"`
	Company   string `json:"urn:portvakt:company,omitempty"`
	// Userinfo is what the scope grants, where no access token will fetch it (§5.4).
	*Userinfo
}

// tokens signs what the grant entitles to. Signing needs no database and stands outside the transaction. jkt is the key that the access
// token is bound to; empty: none. to has the key to which the ID token is encrypted, where the RP wants that.
func (s *Service) tokens(rp relyingparty.RP, to signingkey.KeySet, g Grant, jkt, nonce string) (Tokens, error) {
	t := Tokens{TokenType: tokenType(jkt), ExpiresIn: int(AccessTokenLife / time.Second), Scope: g.Scope}
	var err error
	if t.AccessToken, err = s.accessToken(g, jkt); err != nil {
		return Tokens{}, err
	}
	if hasScope(g.Scope, "openid") {
		if t.IDToken, err = s.idToken(rp, to, g, idClaims{Nonce: nonce, AtHash: halfHash(rp.IDTokenAlg, t.AccessToken)}); err != nil {
			return Tokens{}, err
		}
	}
	if g.Generation > 0 {
		t.RefreshToken = s.refreshToken(g)
	}
	return t, nil
}

// tokenType says how a token is presented: with a proof by the key that it is bound to, where there is one (RFC 9449 §5).
func tokenType(jkt string) string {
	if jkt == "" {
		return "Bearer"
	}
	return "DPoP"
}

// accessToken signs one for the grant's scope; jkt is the key that it is bound to, empty for none.
func (s *Service) accessToken(g Grant, jkt string) (string, error) {
	now := s.Now()
	return s.Sign.Sign(signingkey.ES256, "at+jwt", accessClaims{Issuer: s.Issuer, Subject: g.subject(), Audience: g.audience(s.Issuer),
		ClientID: g.ClientID, Issued: now.Unix(), Expires: now.Add(AccessTokenLife).Unix(), ID: secret.NewID(), Scope: g.Scope,
		AuthTime: seconds(g.AuthTime), ACR: g.ACR, AMR: g.AMR, Grant: g.ID, Confirmation: confirm(jkt)})
}

// idToken signs what the RP is told of the sign-in, and encrypts it where the RP wants that; told has what differs from answer to answer.
func (s *Service) idToken(rp relyingparty.RP, to signingkey.KeySet, g Grant, told idClaims) (string, error) {
	now := s.Now()
	told.Issuer, told.Subject, told.Audience = s.Issuer, g.subject(), g.ClientID
	told.Issued, told.Expires, told.AuthTime = now.Unix(), now.Add(IDTokenLife).Unix(), seconds(g.AuthTime)
	told.ACR, told.AMR, told.Company = g.ACR, g.AMR, g.company(g.Scope)
	if g.Session != "" {
		told.SID = authn.SID(s.Keys, g.Session, g.ClientID)
	}
	token, err := s.Sign.Sign(signingkey.Alg(rp.IDTokenAlg), "JWT", told)
	if err != nil {
		return "", err
	}
	return encryptTo(to, rp.Options.IDTokenEncryption(), "JWT", token)
}

// seconds is a time in a token; 0 for never.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// halfHash is the left half of the hash of an access token or a code, by the hash of the algorithm that signs the ID token (OIDC Core
// §3.1.3.6, §3.3.2.11). Ed25519 has SHA-512 inside (RFC 8032 §5.1).
func halfHash(alg, value string) string {
	if alg == string(signingkey.EdDSA) {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

const refreshPurpose = secret.Purpose("refresh token")

// A refresh token is the grant's id (16 bytes), the day of its making (4), the generation (4) and a MAC over
// them. The database holds the generation alone: the same generation is the same string (RULES §9).
const refreshLen = 16 + 4 + 4 + secret.MACLen

func (s *Service) refreshToken(g Grant) string {
	id, err := secret.Crockford.DecodeString(g.ID)
	if err != nil || len(id) != 16 {
		panic("grant: an id that is not ours")
	}
	b := binary.BigEndian.AppendUint32(id, uint32(g.Created.Unix()/86400))
	b = binary.BigEndian.AppendUint32(b, uint32(g.Generation))
	b = append(b, s.Keys.MAC(refreshPurpose, g.Created, g.ID, strconv.Itoa(g.Generation))...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseRefreshToken returns the grant's id and the generation; false for a foreign or changed token.
func (s *Service) parseRefreshToken(token string) (id string, generation int, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != refreshLen {
		return "", 0, false
	}
	id = secret.Crockford.EncodeToString(b[:16])
	made := time.Unix(int64(binary.BigEndian.Uint32(b[16:]))*86400, 0)
	generation = int(binary.BigEndian.Uint32(b[20:]))
	return id, generation, s.Keys.VerifyMAC(b[24:], refreshPurpose, made, id, strconv.Itoa(generation))
}
