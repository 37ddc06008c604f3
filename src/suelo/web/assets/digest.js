/* SHA-256 of files of any size. The browser's own function wants the whole file in memory, and HTTPS. */
(function () {
  "use strict";

  const PIECE = 1 << 22;

  /* The first 32 bits behind the point of the cube roots of the first 64 primes, and of the square roots of 8. */
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) {
    if (primes.every((prime) => number % prime)) {
      primes.push(number);
    }
  }
  const bits = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  const ROUNDS = Int32Array.from(primes, (prime) => bits(Math.cbrt(prime)));
  const START = Int32Array.from(primes.slice(0, 8), (prime) => bits(Math.sqrt(prime)));

  /* Take whole blocks of 64 bytes into a state. */
  function absorb(state, bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const words = new Int32Array(64);
    for (let offset = 0; offset < bytes.length; offset += 64) {
      for (let i = 0; i < 16; i += 1) {
        words[i] = view.getInt32(offset + 4 * i);
      }
      for (let i = 16; i < 64; i += 1) {
        const x = words[i - 15];
        const y = words[i - 2];
        const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        words[i] = (words[i - 16] + low + words[i - 7] + high) | 0;
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i += 1) {
        const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const one = (h + high + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
        const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + one) | 0;
        d = c;
        c = b;
        b = a;
        a = (one + two) | 0;
      }
      state[0] += a; /* wraps, as all in an Int32Array */
      state[1] += b;
      state[2] += c;
      state[3] += d;
      state[4] += e;
      state[5] += f;
      state[6] += g;
      state[7] += h;
    }
  }

  /* The digest in hexadecimal. `report` is told the share that is done, and may throw to end it. */
  window.suelo.sha256 = async function (file, report) {
    const state = START.slice();
    const whole = file.size - (file.size % 64);
    for (let start = 0; start < whole; start += PIECE) {
      report(start / file.size);
      absorb(state, new Uint8Array(await file.slice(start, Math.min(start + PIECE, whole)).arrayBuffer()));
    }
    report(1);
    const rest = new Uint8Array(await file.slice(whole).arrayBuffer());
    const last = new Uint8Array(rest.length < 56 ? 64 : 128);
    last.set(rest);
    last[rest.length] = 0x80;
    new DataView(last.buffer).setBigUint64(last.length - 8, BigInt(file.size) * 8n);
    absorb(state, last);
    return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  };
})();
