// The reader's own browser checks an entry: contents to leaf, leaf to root, root to signature (docs/ledger-proof.md). It believes
// nothing of the server but what it computes itself, and remembers the key and the newest tree that it saw at its first check.
const ED25519 = 1;
const DASH = "— ";
const utf8 = new TextEncoder();

class NotProved extends Error {}
class CannotCheck extends Error {}

const bytesOfHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOfBase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => { whole.set(part, at); return at + part.length; }, 0);
  return whole;
};
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const node = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

/** RFC 8785 for what stands openly in a leaf: texts and whole numbers. */
const canonical = (told) => {
  const members = Object.keys(told).sort().map((name) => {
    const value = told[name];
    if (typeof value !== "string" && !Number.isSafeInteger(value)) throw new NotProved("leaf");
    return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  });
  return utf8.encode(`{${members.join(",")}}`);
};

/** The leaf's hash, from contents and salts; every content must lead to the digest that stands in the leaf. */
const leafOf = async (proof) => {
  const told = { ...proof.told };
  for (const [name, part] of Object.entries(proof.parts)) {
    // What has no salt must not say anything, and no part may stand in for what is told openly.
    if (Object.hasOwn(told, name) || (part.salt === null && part.content !== null)) throw new NotProved("contents");
    if (part.salt !== null) {
      const key = await crypto.subtle.importKey("raw", bytesOfHex(part.salt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      const digest = hexOf(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(part.content))));
      if (digest !== part.digest) throw new NotProved("contents");
    }
    told[name] = part.digest;
  }
  return sha256(joined(Uint8Array.of(0), canonical(told)));
};

/** RFC 9162, section 2.1.3.2. Whole numbers stay below 2^53, where shifts of 32 bits would not do. */
const half = (number) => Math.floor(number / 2);
const rootFrom = async (leaf, index, size, steps) => {
  if (!(index >= 0 && index < size)) throw new NotProved("place");
  let [value, here, last] = [leaf, index, size - 1];
  for (const step of steps) {
    if (last === 0) throw new NotProved("place");
    if (here % 2 || here === last) {
      value = await node(step, value);
      while (here % 2 === 0 && here) [here, last] = [half(here), half(last)];
    } else {
      value = await node(value, step);
    }
    [here, last] = [half(here), half(last)];
  }
  if (last) throw new NotProved("place");
  return value;
};

/** RFC 9162, section 2.1.4.2. */
const continues = async (before, earlier, size, root, proof) => {
  const power = Number.isInteger(Math.log2(before));
  const steps = power ? [earlier, ...proof] : proof;
  if (!steps.length) return false;
  let [here, last] = [before - 1, size - 1];
  while (here % 2) [here, last] = [half(here), half(last)];
  let [old, fresh] = [steps[0], steps[0]];
  for (const step of steps.slice(1)) {
    if (last === 0) return false;
    if (here % 2 || here === last) {
      [old, fresh] = [await node(step, old), await node(step, fresh)];
      while (here % 2 === 0 && here) [here, last] = [half(here), half(last)];
    } else {
      fresh = await node(fresh, step);
    }
    [here, last] = [half(here), half(last)];
  }
  return last === 0 && same(old, earlier) && same(fresh, root);
};

const noteRead = (encoded) => {
  const at = encoded.lastIndexOf("\n\n");
  const signatures = encoded.slice(at + 2).split("\n").filter((line) => line.startsWith(DASH)).map((line) => {
    const blank = line.lastIndexOf(" ");
    const raw = bytesOfBase64(line.slice(blank + 1));
    return { name: line.slice(DASH.length, blank), id: hexOf(raw.slice(0, 4)), value: raw.slice(4) };
  });
  return { text: encoded.slice(0, at + 1), signatures };
};

/** A key as it is published, "name+id+key"; its id must follow from it. */
const keyRead = async (encoded) => {
  const [name, id, ...rest] = encoded.split("+");
  const raw = bytesOfBase64(rest.join("+"));
  const expected = hexOf((await sha256(joined(utf8.encode(`${name}\n`), raw))).slice(0, 4));
  if (raw[0] !== ED25519 || raw.length !== 33 || id !== expected) throw new NotProved("key");
  return { name, id, raw: raw.slice(1), encoded };
};

/** Whether `key` has signed the note. CannotCheck where this browser knows no Ed25519. */
const signedBy = async (note, key) => {
  const found = note.signatures.filter((one) => one.name === key.name && one.id === key.id);
  if (!found.length) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    throw error.name === "NotSupportedError" || error.name === "SyntaxError" ? new CannotCheck("ed25519") : error;
  }
  for (const one of found) {
    if (await crypto.subtle.verify("Ed25519", imported, one.value, utf8.encode(note.text))) return true;
  }
  return false;
};

const store = (origin) => `watchbell-ledger:${origin}`;
const remembered = (origin) => {
  try { return JSON.parse(localStorage.getItem(store(origin))); } catch { return null; }
};
const remember = (origin, seen) => {
  try { localStorage.setItem(store(origin), JSON.stringify(seen)); } catch { /* A private window: checked, and not remembered. */ }
};

/** The key among those published that is known here, or that a known one has introduced. Unknown ones are not believed. */
const knownKey = async (note, published, pinned) => {
  let known = [await keyRead(pinned)];
  for (let more = true; more;) {
    more = false;
    for (const one of published) {
      if (!one.introduction || known.some((key) => key.encoded === one.key)) continue;
      const introduction = noteRead(one.introduction);
      const [head, named] = introduction.text.split("\n");
      if (head !== "watchbell.ledger/next-key/v1" || named !== one.key) continue;
      for (const key of known) {
        if (!more && await signedBy(introduction, key)) {
          known = [...known, await keyRead(one.key)];
          more = true;
        }
      }
    }
  }
  for (const key of known) if (await signedBy(note, key)) return key;
  return null;
};

/** What was sealed, to be read beside what the page says: the page's sentences come from the server, these lines from the proof. */
const sealedText = (proof) => {
  const lines = Object.entries(proof.told).map(([name, value]) => [name, value]);
  for (const part of Object.values(proof.parts)) {
    if (part.content !== null) lines.push(...Object.entries(JSON.parse(part.content)));
  }
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));
  return lines.filter(([, value]) => value !== null && value !== "").map(([name, value]) => `${name}: ${text(value)}`).join("\n");
};

class Check {
  constructor(area) {
    this.area = area;
    this.button = area.querySelector("[data-check]");
    this.trust = area.querySelector("[data-trust]");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.run(false));
    this.trust?.addEventListener("click", () => this.run(true));
  }

  show(name, places = {}) {
    const line = this.area.querySelector(`[data-say="${name}"]`);
    for (const [place, value] of Object.entries(places)) {
      line.querySelectorAll(`[data-place="${place}"]`).forEach((span) => { span.textContent = value; });
    }
    line.hidden = false;
  }

  async run(trusting) {
    this.area.querySelectorAll("[data-say]").forEach((line) => { line.hidden = true; });
    if (this.trust) this.trust.hidden = true;
    this.button.disabled = true;
    try {
      if (!window.crypto?.subtle) throw new CannotCheck("insecure");
      await this.steps(trusting);
      this.area.dataset.state = "proved";
    } catch (error) {
      this.area.dataset.state = error instanceof CannotCheck ? "unchecked" : "broken";
      const known = error instanceof CannotCheck || error instanceof NotProved;
      if (!known || !this.area.querySelector(`[data-say="not-${error.message}"]`)) {
        this.show("not-read");
      } else {
        this.show(`not-${error.message}`);
      }
    } finally {
      this.button.disabled = false;
    }
  }

  async steps(trusting) {
    const read = async (address) => {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    };
    const proof = await read(this.area.dataset.proof);
    if (String(proof.entry) !== this.area.dataset.entry || proof.told.entry !== proof.entry) throw new NotProved("entry");
    const leaf = await leafOf(proof);
    this.shownAgrees(proof);
    this.show("contents", { action: proof.told.action, at: proof.told.at });
    this.show("sealed", { sealed: sealedText(proof) });
    const note = noteRead(proof.checkpoint);
    const [origin, sizeText, rootText] = note.text.split("\n");
    const [size, root] = [Number(sizeText), bytesOfBase64(rootText)];
    if (size !== proof.size) throw new NotProved("place");
    if (!same(await rootFrom(leaf, proof.index, size, proof.proof.map(bytesOfHex)), root)) throw new NotProved("place");
    this.show("place", { size });
    await this.signature(note, origin, size, root, trusting, read);
  }

  /** What the page says must be what was proved: the server could show one thing and prove another. */
  shownAgrees(proof) {
    const shown = this.area.dataset;
    const told = { ...proof.told };
    for (const part of Object.values(proof.parts)) if (part.content !== null) Object.assign(told, JSON.parse(part.content));
    const pairs = {
      at: shown.at, action: shown.action, source: shown.source, address: shown.address, actor_label: shown.actor,
      actor_id: shown.actorId, object_type: shown.kind, object_id: shown.objectId, object_label: shown.object, subject: shown.subject,
    };
    for (const [name, value] of Object.entries(pairs)) {
      if (name in told && told[name] !== value) throw new NotProved("shown");
    }
  }

  async signature(note, origin, size, root, trusting, read) {
    const published = await read(this.area.dataset.keys);
    const seen = remembered(origin);
    let key = null;
    if (seen && !trusting) {
      key = await knownKey(note, published, seen.key);
      if (!key) {
        if (this.trust) this.trust.hidden = false;
        throw new NotProved("known");
      }
    } else {
      for (const one of published) {
        const candidate = await keyRead(one.key);
        if (!key && await signedBy(note, candidate)) key = candidate;
      }
      if (!key) throw new NotProved("signed");
    }
    this.show(seen && !trusting ? "signed" : "first", { key: `${key.name}+${key.id}` });
    let newest = { key: key.encoded, size, root: hexOf(root) };
    if (seen) {
      if (seen.size > size) throw new NotProved("cut");
      if (seen.size === size ? seen.root !== newest.root : !(await this.grew(seen, size, root, read))) throw new NotProved("grown");
      this.show("grown", { before: seen.size });
    }
    remember(origin, newest);
    this.show("proved");
  }

  async grew(seen, size, root, read) {
    const told = await read(`${this.area.dataset.consistency}?before=${seen.size}&size=${size}`);
    return continues(seen.size, bytesOfHex(seen.root), size, root, told.proof.map(bytesOfHex));
  }
}

document.querySelectorAll("[data-ledger-proof]").forEach((area) => new Check(area));
