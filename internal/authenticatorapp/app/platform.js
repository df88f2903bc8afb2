// What kind of device this is, as far as the app must do otherwise on it.

export const isIOS = ({ userAgent, platform, maxTouchPoints }) =>
  /iPhone|iPad|iPod/.test(userAgent) || (platform === "MacIntel" && maxTouchPoints > 1);

export const isAndroid = ({ userAgent }) => /Android/.test(userAgent);

export const isInstalled = (window) =>
  window.navigator.standalone === true || window.matchMedia("(display-mode: standalone)").matches;

// mustInstall: on iOS, notifications and lasting storage exist only in the app on
// the Home Screen, so that no key is made before.
export const mustInstall = (window) => isIOS(window.navigator) && !isInstalled(window);

// deviceName is what the person will read in her account.
export async function deviceName(navigator) {
  const model = await navigator.userAgentData?.getHighEntropyValues?.(["model"]).catch(() => null);
  if (model?.model) return model.model.slice(0, 40);
  const names = [[/iPad/, "iPad"], [/iPhone|iPod/, "iPhone"], [/Android/, "Android"], [/Windows/, "Windows"], [/CrOS/, "Chromebook"], [/Mac OS/, "Mac"], [/Linux/, "Linux"]];
  if (isIOS(navigator) && !/iPhone|iPod/.test(navigator.userAgent)) return "iPad";
  return names.find(([mark]) => mark.test(navigator.userAgent))?.[1] ?? "";
}
