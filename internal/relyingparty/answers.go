package relyingparty

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Answers are how an RP wants what it is told to be signed and encrypted. Their names are those of client metadata (OIDC Registration §2,
// JARM §4).
type Answers struct {
	// AnswerSigned is how answers by way of the browser are signed where the RP asks for that; empty: it may not.
	AnswerSigned         string `json:"authorization_signed_response_alg,omitempty"`
	AnswerEncryptedAlg   string `json:"authorization_encrypted_response_alg,omitempty"`
	AnswerEncryptedEnc   string `json:"authorization_encrypted_response_enc,omitempty"`
	IDTokenEncryptedAlg  string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptedEnc  string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoEncryptedAlg string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptedEnc string `json:"userinfo_encrypted_response_enc,omitempty"`
}

// Encryption is how an RP wants one kind of token to be encrypted to a key of its own; empty: not at all.
type Encryption struct{ Alg, Method string }

// IsOn says whether tokens of the kind are encrypted.
func (e Encryption) IsOn() bool { return e.Alg != "" }

// IDTokenEncryption is how ID tokens are encrypted (OIDC Registration §2).
func (a Answers) IDTokenEncryption() Encryption {
	return encryption(a.IDTokenEncryptedAlg, a.IDTokenEncryptedEnc)
}

// AnswerEncryption is how signed answers are encrypted (JARM §3).
func (a Answers) AnswerEncryption() Encryption {
	return encryption(a.AnswerEncryptedAlg, a.AnswerEncryptedEnc)
}

// UserinfoEncryption is how the answers of userinfo are encrypted (OIDC Registration §2).
func (a Answers) UserinfoEncryption() Encryption {
	return encryption(a.UserinfoEncryptedAlg, a.UserinfoEncryptedEnc)
}

// Encryptions are all of them.
func (a Answers) Encryptions() []Encryption {
	return []Encryption{a.IDTokenEncryption(), a.AnswerEncryption(), a.UserinfoEncryption()}
}

func encryption(alg, method string) Encryption {
	if alg != "" && method == "" {
		method = "A128CBC-HS256" // what the standards say of a registration that does not
	}
	return Encryption{alg, method}
}

// SigningAlgs lists what ID tokens and answers can be signed with.
func SigningAlgs() []string { return []string{"ES256", "RS256"} }

// The ways in which a registration asks for answers that nobody can make.
var (
	ErrEncryption = errors.New("tokens are encrypted by ECDH-ES, ECDH-ES+A256KW or RSA-OAEP-256, with A256GCM or A128CBC-HS256")
	ErrSigningAlg = errors.New("tokens and answers are signed by " + strings.Join(SigningAlgs(), ", "))
	ErrUnsigned   = errors.New("an answer is signed before it is encrypted: authorization_signed_response_alg is missing")
)

func (o Options) checkAnswers() error {
	if o.AnswerSigned != "" && !slices.Contains(SigningAlgs(), o.AnswerSigned) {
		return fmt.Errorf("%w: %q", ErrSigningAlg, o.AnswerSigned)
	}
	for _, e := range o.Encryptions() {
		switch {
		case e == Encryption{}:
		case !slices.Contains([]string{"ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"}, e.Alg), !slices.Contains([]string{"A256GCM", "A128CBC-HS256"}, e.Method):
			return ErrEncryption
		case !o.HasKeys():
			return ErrNoKeys
		}
	}
	if o.AnswerEncryption().IsOn() && o.AnswerSigned == "" {
		return ErrUnsigned
	}
	return nil
}
