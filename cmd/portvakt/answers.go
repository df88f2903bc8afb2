package main

import (
	"encoding/json"
	"strings"

	"github.com/portvakt/portvakt/internal/control"
)

// answerFlags say how an app is answered, at rp create as at rp set: what is not given stays as it is.
type answerFlags struct {
	ResponseType              []string `help:"What the app may ask for, where that is more than a code, as \"code id_token\"; repeatable." placeholder:"WORDS"`
	SignedAnswers             *string  `help:"Sign answers by way of the browser where the app asks for it (JARM): ES256 or RS256." placeholder:"ALG"`
	EncryptedAnswers          *string  `help:"Encrypt such answers to the app's key, as ECDH-ES/A256GCM." placeholder:"ALG/ENC"`
	EncryptedIDTokens         *string  `name:"encrypted-id-tokens" help:"Encrypt the app's ID tokens to its key, as ECDH-ES/A256GCM." placeholder:"ALG/ENC"`
	FrontchannelLogoutURI     *string  `help:"Where a hidden frame tells the app, in the browser, that its session has ended." placeholder:"URL"`
	FrontchannelLogoutSession *bool    `help:"Name the issuer and the session there." negatable:""`
	SessionManagement         *bool    `help:"Let the app ask a frame whether the session is still the same (session_state)." negatable:""`
	EncryptedUserinfo         *string  `help:"Encrypt what userinfo answers to the app's key, as ECDH-ES/A256GCM." placeholder:"ALG/ENC"`
}

// changes are what is given, by the names of client metadata.
func (f answerFlags) changes() map[string]any {
	out := map[string]any{}
	if f.ResponseType != nil {
		out["response_types"] = f.ResponseType
	}
	for name, text := range map[string]*string{"authorization_signed_response_alg": f.SignedAnswers, "frontchannel_logout_uri": f.FrontchannelLogoutURI} {
		if text != nil {
			out[name] = *text
		}
	}
	for name, yes := range map[string]*bool{"frontchannel_logout_session_required": f.FrontchannelLogoutSession, "session_management": f.SessionManagement} {
		if yes != nil {
			out[name] = *yes
		}
	}
	for name, text := range map[string]*string{"authorization": f.EncryptedAnswers, "id_token": f.EncryptedIDTokens, "userinfo": f.EncryptedUserinfo} {
		if text != nil {
			out[name+"_encrypted_response_alg"], out[name+"_encrypted_response_enc"], _ = strings.Cut(*text, "/")
		}
	}
	return out
}

// set puts what is given into the options of a new app.
func (f answerFlags) set(o *control.Options) error {
	changes, err := json.Marshal(f.changes())
	if err != nil {
		return err
	}
	return json.Unmarshal(changes, o)
}
