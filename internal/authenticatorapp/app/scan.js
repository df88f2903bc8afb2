// Reads QR codes with the camera: by the browser's own eyes (BarcodeDetector) where it
// has them, else by the issuer's, which reads pairing links alone.

const pause = 600; // milliseconds between two frames
const side = 800; // of the longer edge of a frame that is sent

// ownEyes returns a detector, or null.
export async function ownEyes(window) {
  const formats = await window.BarcodeDetector?.getSupportedFormats().catch(() => []);
  return formats?.includes("qr_code") ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
}

// openCamera shows the back camera in the video. It throws an error whose name says
// why not (NotAllowedError, NotFoundError, …).
export async function openCamera(navigator, video) {
  if (!navigator.mediaDevices) throw Object.assign(new Error("no camera"), { name: "NotFoundError" });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  video.srcObject = stream;
  await video.play();
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
}

// scan looks until it has found a text that take accepts, or is told to stop.
// look returns a text or null.
export async function scan({ look, take, sleep }, signal) {
  while (!signal.aborted) {
    const text = await look().catch(() => null);
    if (signal.aborted) return;
    if (text && (await take(text))) return;
    await sleep(pause, signal);
  }
}

export const lookByDetector = (detector, video) => async () => (await detector.detect(video))[0]?.rawValue ?? null;

// lookByIssuer sends a frame. When it is told that there were too many it waits.
export function lookByIssuer({ fetch, issuer, sleep }, video, canvas) {
  return async () => {
    const frame = await frameOf(video, canvas);
    if (!frame) return null;
    const headers = { "Content-Type": "image/jpeg" };
    const answer = await fetch(`${issuer}/push/qr`, { method: "POST", headers, body: frame, credentials: "omit" });
    if (answer.status === 429) await sleep(5000);
    return answer.ok ? (await answer.json()).text : null;
  };
}

function frameOf(video, canvas) {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width || !height) return null;
  const scale = Math.min(1, side / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}
