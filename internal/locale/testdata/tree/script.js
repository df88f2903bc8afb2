// Read by the test of the look for texts.
export const texts = (t, wrong) => [t("a.script", { name: "x" }), t(wrong ? "a.script_literal" : "b")];
