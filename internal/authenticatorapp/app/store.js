// What the app keeps, in IndexedDB, which can hold keys that nobody can read. Four
// shelves: accounts (of the issuer, also while they are being paired), others (codes
// of other services), removed (accounts that are to be told of), settings.

const shelves = { accounts: "id", others: "id", removed: "id", settings: "name" };

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export async function openStore(name = "portvakt-authenticator") {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const [shelf, keyPath] of Object.entries(shelves)) opening.result.createObjectStore(shelf, { keyPath });
  };
  const db = await done(opening);
  db.onversionchange = () => db.close();
  return new Store(db);
}

class Store {
  #db;

  constructor(db) {
    this.#db = db;
  }

  get = (shelf, id) => done(this.#shelf(shelf, "readonly").get(id));
  all = (shelf) => done(this.#shelf(shelf, "readonly").getAll());
  put = (shelf, value) => done(this.#shelf(shelf, "readwrite").put(value));
  delete = (shelf, id) => done(this.#shelf(shelf, "readwrite").delete(id));

  // update changes what is there, in one transaction, and returns it; what is gone
  // meanwhile stays gone, and undefined is returned.
  async update(shelf, id, change) {
    const open = this.#shelf(shelf, "readwrite");
    const old = await done(open.get(id));
    if (old === undefined) return undefined;
    const changed = change(old);
    await done(open.put(changed));
    return changed;
  }

  #shelf(shelf, mode) {
    return this.#db.transaction(shelf, mode, { durability: "strict" }).objectStore(shelf);
  }
}
