// A phone with the app and its issuer.
import { API } from "../app/api.js";
import { Accounts } from "../app/accounts.js";
import { pair } from "../app/pairing.js";
import { Issuer, LocalStorage, Locks, Store, issuer } from "./issuer.js";

// phone is an app that has nothing yet. Sleeping takes no time and moves the clock.
export function phone(op = new Issuer()) {
  const store = new Store();
  const clock = { now: op.now, slept: [] };
  const now = () => clock.now;
  const sleep = async (ms) => {
    clock.slept.push(ms);
    clock.now += ms;
    await new Promise((resolve) => setImmediate(resolve));
  };
  const locks = new Locks();
  const window = () => new API(issuer, store, { fetch: (...args) => op.fetch(...args), locks, now });
  const api = window();
  const tools = { api, store, storage: new LocalStorage(), fetch: (...args) => op.fetch(...args), issuer, now, sleep };
  return { op, store, clock, api, tools, window, accounts: new Accounts(tools) };
}

// paired is an app with Anna's account.
export async function paired(op) {
  const world = phone(op);
  const { id } = await pair(world.tools, { code: "7K3M9QZX4T8VN2B6W5RJHC1DFG", name: "Pixel", lang: "sv" });
  await world.api.redeem(id);
  world.account = await world.accounts.refresh(id);
  return world;
}
