// After a sign-out the apps are told in frames. When all of them have answered, the page goes on; the Refresh header does so after three
// seconds, also without this script.

const onward = () => location.replace(document.getElementById("onward").href);

if (document.readyState === "complete") onward();
else addEventListener("load", onward); // waits for the frames too
