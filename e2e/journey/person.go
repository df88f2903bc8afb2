package journey

// World is where the apps of a journey live.
type World struct {
	Portvakt, HRM, HRMMobile, Inbox string
}

// Person is somebody who takes the steps of the guide in one browser, and reads
// the mail in it too.
type Person struct {
	*Browser
	Words
	World World
	Mail  *Inbox
	// Address is her e-mail address.
	Address string
	// Name is the first name by which the apps greet her.
	Name string
}

// Person gives somebody a browser of her own.
func (c *Chromium) Person(r Reporter, w World, o Options, address, name string) *Person {
	r.Helper()
	b := c.Browser(r, o)
	return &Person{Browser: b, Words: WordsIn(b.options.Lang), World: w, Mail: NewInbox(r, w.Inbox), Address: address, Name: name}
}

// In is the same person in another browser or tab.
func (p *Person) In(b *Browser) *Person {
	other := *p
	other.Browser, other.Words = b, WordsIn(b.options.Lang)
	return &other
}

// OpenHRM opens HRM and presses Logga in.
func (p *Person) OpenHRM() {
	p.r.Helper()
	p.Open(p.World.HRM)
	p.Press(p.LogIn)
	p.At(p.World.Portvakt)
}

// GiveAddress fills in the address and goes on to the password page.
func (p *Person) GiveAddress() {
	p.r.Helper()
	p.Fill(p.Words.Address, p.Address)
	p.Press(p.Next)
	p.SeeRole("textbox", p.Password)
	p.See(p.Address)
}

// GivePassword fills in the password and presses Logga in.
func (p *Person) GivePassword(password string) {
	p.r.Helper()
	p.Fill(p.Password, password)
	p.Press(p.LogIn)
}

// Forget goes from the password page to the page that sends mails.
func (p *Person) Forget() {
	p.r.Helper()
	p.Press(p.Forgot)
	p.SeeRole("textbox", p.Words.Address)
	p.SeeRole("link", p.ToLogin)
}

// AskFor asks for a mail by its button, Återställ lösenord or Engångslänk för
// inloggning. Both wait for the robot check, which without scripts is not there.
func (p *Person) AskFor(button string) {
	p.r.Helper()
	if !p.options.NoScript {
		p.Tick(p.Human)
	}
	p.Press(button)
	p.See(p.Sent)
}

// Receive waits for the mail with these words in its subject. A mail scanner opens all
// its links before the person does.
func (p *Person) Receive(subject string) Message {
	p.r.Helper()
	m := p.Mail.ReadMail(p.Address, subject)
	p.Mail.Scan(m)
	return m
}

// FollowLink opens the mail in the inbox and presses its link, which opens in a tab of
// its own, as in a mail program.
func (p *Person) FollowLink(m Message, name string) *Person {
	p.r.Helper()
	p.Open(p.World.Inbox)
	p.See(m.Subject)
	p.Open(p.World.Inbox + "/messages/" + m.ID) // by its id: a second mail has the same name
	p.SeeRole("heading", m.Subject)
	p.Open(p.World.Inbox + "/messages/" + m.ID + "/html") // the mail alone, out of its frame
	return p.In(p.PressOut(name))
}

// ChoosePassword fills in the new password twice and presses Ange lösenord.
func (p *Person) ChoosePassword(password string) {
	p.r.Helper()
	p.Fill(p.NewPassword, password)
	p.Fill(p.Repeat, password)
	p.Press(p.SetPassword)
}

// Welcomed waits until HRM greets her.
func (p *Person) Welcomed() {
	p.r.Helper()
	p.At(p.World.HRM)
	p.See(p.Hello(p.Name))
	p.SeeRole("button", p.LogOut)
}

// Phone opens HRM Mobile beside HRM and signs in there, where nothing is asked any more.
func (p *Person) Phone() *Person {
	p.r.Helper()
	phone := p.In(p.Tab())
	phone.Resize(390, 844)
	phone.Open(p.World.HRMMobile)
	phone.Press(p.LogIn)
	phone.See(p.Hello(p.Name))
	phone.At(p.World.HRMMobile)
	return phone
}

// SignIn goes from HRM's start page to HRM with a password.
func (p *Person) SignIn(password string) {
	p.r.Helper()
	p.OpenHRM()
	p.GiveAddress()
	p.GivePassword(password)
	p.Welcomed()
}

// ForgetAtHRM goes from HRM's start page to the page that sends mails.
func (p *Person) ForgetAtHRM() {
	p.r.Helper()
	p.OpenHRM()
	p.GiveAddress()
	p.Forget()
}

// Copy opens the mail's link in another browser, as copied and pasted there.
func (p *Person) Copy(m Message, other *Browser) *Person {
	p.r.Helper()
	elsewhere := p.In(other)
	elsewhere.Open(m.Links[0])
	return elsewhere
}

// SignOutOfHRM presses Logga ut in HRM.
func (p *Person) SignOutOfHRM() {
	p.r.Helper()
	p.Press(p.LogOut)
	p.At(p.World.HRM)
	p.See(p.SignedOut)
	p.SeeRole("link", p.LogIn)
}

// ShowAgain brings an app back to the front, where it looks whether it is still signed in.
func (p *Person) ShowAgain() {
	p.r.Helper()
	Script[bool](p.Browser, `document.dispatchEvent(new Event("visibilitychange"))`)
}

// OpenHRMWithoutAQuestion opens HRM and presses Logga in, where the session answers.
func (p *Person) OpenHRMWithoutAQuestion() {
	p.r.Helper()
	p.Open(p.World.HRM)
	p.Press(p.LogIn)
	p.Welcomed()
}
