// Keeps the key of this installation of the app in the browser's database. The
// browser signs with it and shows its private half to nobody, this app included.

const database = "hrmmobile";
const store = "keys";
const place = "dpop";

// DeviceKeys is the place where the key is kept.
export class DeviceKeys {
  #indexedDB;

  constructor(indexedDB) {
    this.#indexedDB = indexedDB;
  }

  // find returns the key pair, or undefined if there is none (any more).
  async find() {
    return this.#use("readonly", (keys) => keys.get(place));
  }

  // keep stores a new pair and returns the one that counts: of two tabs that both
  // make one, the first wins.
  async keep(pair) {
    const kept = await this.#use("readwrite", (keys) => {
      const found = keys.get(place);
      found.onsuccess = () => found.result ?? keys.put(pair, place);
      return found;
    });
    return kept ?? pair;
  }

  async #use(mode, ask) {
    const db = await this.#open();
    try {
      const transaction = db.transaction(store, mode);
      const request = ask(transaction.objectStore(store));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      return request.result;
    } finally {
      db.close();
    }
  }

  #open() {
    return new Promise((resolve, reject) => {
      const opening = this.#indexedDB.open(database, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(store);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
  }
}
