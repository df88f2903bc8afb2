package journey

// SendAndStay sends the page's form and puts the answer into the window as it came: a page that goes on by itself stays.
// It is for looking at such a page; no person can.
func (b *Browser) SendAndStay() {
	b.r.Helper()
	Script[bool](b, `(async () => {
		const form = document.querySelector("main form");
		const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
		const page = await answer.text();
		document.open();
		document.write(page);
		document.close();
		if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done));
		return true;
	})()`)
}
