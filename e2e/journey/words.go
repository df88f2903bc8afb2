package journey

// Words are what the controls and pages of the story are called in one language:
// the words that the guide's readers look for.
type Words struct {
	// LogIn and LogOut stand in the apps, LogIn also on the pages of password and link.
	LogIn, LogOut, LogOutHere string
	// Address, Remember and Next stand on the first page of the sign-in.
	Address, Remember, Next string
	// Password, Forgot and Change stand on the second.
	Password, Forgot, Change string
	// Human, Reset, LoginLink and ToLogin stand on the page "Skapa lösenord".
	Human, Reset, LoginLink, ToLogin string
	// Sent is the heading of the neutral answer.
	Sent string
	// ResetMail and LoginMail are the subjects of the mails; ResetButton and LoginButton what to press there.
	ResetMail, LoginMail, ResetButton, LoginButton string
	// NewPassword, Repeat, EndOthers and SetPassword stand on the page of a reset's link.
	NewPassword, Repeat, EndOthers, SetPassword string
	// Elsewhere is said of a link that was opened in another browser.
	Elsewhere string
	// Code, RememberBrowser (for 30 days) and AnotherWay stand on the page of the second factor, Code also where an app is added.
	Code, RememberBrowser, AnotherWay string
	// RecoveryCode is the way to that code's page, and the field there; StillHere and AppGone stand on the page after it.
	RecoveryCode, StillHere, AppGone string
	// Activate and Later stand on the offer of two-factor authentication, OtherApp on the choice after it.
	Activate, Later, OtherApp string
	// Number, SendCode, SendAgain and Skip stand where a phone is added; SMSTo is the way to a code by SMS.
	Number, SendCode, SendAgain, Skip string
	SMSTo                             func(end string) string
	// Saved and Done stand below a new recovery code.
	Saved, Done string
	// Approve and Deny stand on the page that compares the characters, and in Portvakt Authenticator; in that alone stand AddAccount,
	// ByHand and Key where an account is added.
	Approve, Deny, AddAccount, ByHand, Key string
	// Hello is how the apps greet.
	Hello func(name string) string
	// SignedOut is said after a sign-out; OutEverywhere by HRM Mobile.
	SignedOut, OutEverywhere string
}

// Swedish are the guide's own words.
var Swedish = Words{
	LogIn: "Logga in", LogOut: "Logga ut", LogOutHere: "Logga ut bara här",
	Address: "E-postadress", Remember: "Kom ihåg min adress", Next: "Nästa",
	Password: "Lösenord", Forgot: "Glömt ditt lösenord", Change: "Ändra e-postadress",
	Human: "Jag är inte en robot", Reset: "Återställ lösenord", LoginLink: "Engångslänk för inloggning", ToLogin: "Tillbaka till inloggningen",
	Sent:      "Titta i din e-post",
	ResetMail: "Ange nytt lösenord", LoginMail: "Din inloggningslänk", ResetButton: "Ange nytt lösenord", LoginButton: "Logga in",
	NewPassword: "Nytt lösenord", Repeat: "Upprepa lösenordet", EndOthers: "Logga ut mina andra enheter", SetPassword: "Ange lösenord",
	Elsewhere: "Du öppnade länken i en annan webbläsare",
	Code:      "Ange din 6-siffriga kod", RememberBrowser: "Kom ihåg den här webbläsaren i 30 dagar", AnotherWay: "Prova ett annat sätt",
	RecoveryCode: "Återställningskod", StillHere: "Jag har kvar min app", AppGone: "Appen är borta",
	Activate: "Aktivera", Later: "Påminn mig senare", OtherApp: "Jag använder en annan autentiseringsapp",
	Number: "Mobilnummer", SendCode: "Skicka kod", SendAgain: "Skicka igen", Skip: "Hoppa över",
	SMSTo: func(end string) string { return "SMS till •••• " + end },
	Saved: "Jag har sparat koden på ett säkert ställe", Done: "Klar",
	Approve: "Godkänn", Deny: "Neka", AddAccount: "Lägg till konto", ByHand: "Skriv nyckeln i stället", Key: "Nyckel",
	Hello:     func(name string) string { return "Hej " + name + "!" },
	SignedOut: "Du är utloggad", OutEverywhere: "Du är utloggad från alla appar",
}

// English are the same in English.
var English = Words{
	LogIn: "Log in", LogOut: "Log out", LogOutHere: "Log out only here",
	Address: "Email address", Remember: "Remember my address", Next: "Next",
	Password: "Password", Forgot: "Forgot your password", Change: "Change email address",
	Human: "I am not a robot", Reset: "Reset password", LoginLink: "One-time login link", ToLogin: "Back to login",
	Sent:      "Check your email",
	ResetMail: "Set a new password", LoginMail: "Your login link", ResetButton: "Set a new password", LoginButton: "Log in",
	NewPassword: "New password", Repeat: "Repeat the password", EndOthers: "Log out my other devices", SetPassword: "Set password",
	Elsewhere: "You opened the link in another browser",
	Code:      "Enter your 6-digit code", RememberBrowser: "Remember this browser for 30 days", AnotherWay: "Try another way",
	RecoveryCode: "Recovery code", StillHere: "I still have my app", AppGone: "The app is gone",
	Activate: "Turn on", Later: "Remind me later", OtherApp: "I use another authenticator app",
	Number: "Mobile number", SendCode: "Send the code", SendAgain: "Send again", Skip: "Skip",
	SMSTo: func(end string) string { return "Text message to •••• " + end },
	Saved: "I have saved the code in a safe place", Done: "Done",
	Approve: "Approve", Deny: "Deny", AddAccount: "Add account", ByHand: "Type the key instead", Key: "Key",
	Hello:     func(name string) string { return "Hello " + name + "!" },
	SignedOut: "You are logged out", OutEverywhere: "You are logged out of all your apps",
}

// WordsIn are the words of a language.
func WordsIn(lang string) Words {
	if lang == "en" {
		return English
	}
	return Swedish
}
