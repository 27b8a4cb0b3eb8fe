// Written by scripts/fit-polynomials.mjs, which says how. Coefficients stand lowest degree first and are meant as f32.

/** Where tanh goes over from its polynomial to the exponential. */
export const tanhSplit = 0.55

/** Where erf goes over from one polynomial to the other, and where it is 1. */
export const erfSplit = 1.1875
export const erfEnd = 4

/** The first bits of 1 / (2 pi) after the binary point, 16 to a number. */
export const inverseTwoPi = [
  0x28be, 0x60db, 0x9391, 0x054a, 0x7f09, 0xd5f4, 0x7d4d, 0x3770, 0x36d8, 0xa566, 0x4f10, 0xe410, 0x7f94,
] as const

/** pi / 2 as a sum: three full floats, or three of 12 bits and a full one. */
export const halfPi = {
  full: [1.5707963705062866, -4.371138828673793e-8, -1.7151245100058819e-15],
  short: [1.57080078125, -0.000004453584551811218, -8.706138032721356e-10, 6.223371969669989e-14],
} as const

export const coefficients = {
  /** exp(r) = 1 + r + r^2 P(r), |r| <= ln 2: the power of two is even: error 0.24 of 2^-24. */
  expWide: [0.500000358, 0.166666165, 0.0416611694, 0.00833590887, 0.00141061726, 0.000196440684],

  /** exp(r) = 1 + r + r^2 P(r), |r| <= ln 2 / 2: error 0.053 of 2^-24. */
  exp: [0.49999994, 0.166665167, 0.0416681021, 0.00836919248, 0.00138389028],

  /** exp(r) - 1 = r + r^2 P(r), |r| <= ln 2 / 2: error 0.0085 of 2^-24. */
  expm1: [0.5, 0.166666657, 0.0416664667, 0.0083336439, 0.00139351038, 0.000196615525],

  /** log(1 + f) = f - f^2 / 2 + f^3 P(f), sqrt(1/2) <= 1 + f <= sqrt(2): error 0.28 of 2^-24. */
  log1p: [0.333333313, -0.250008225, 0.200012609, -0.166233122, 0.142008841, -0.131597131, 0.12777175, -0.0766372606],

  /** exp(2 r) = 1 + 2 r + r^2 P(r), |r| <= ln 2 / 4: error 0.053 of 2^-24. */
  expDouble: [1.99999976, 1.33332133, 0.666689634, 0.267814159, 0.088568978],

  /** tanh(x) = x + x^3 P(x^2), |x| <= 0.55: error 0.62 of 2^-24. */
  tanh: [-0.333329469, 0.133207291, -0.0526720099, 0.0164378788],

  /** sin(r) = r + r^3 P(r^2), |r| <= pi / 4: error 0.067 of 2^-24. */
  sin: [-0.166666552, 0.00833218824, -0.000195180954],

  /** cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4: error 0.0020 of 2^-24. */
  cos: [0.0416666456, -0.00138873095, 0.0000244323273],

  /** tan(r) = r / (1 + r^2 P(r^2)), |r| <= pi / 4: error 0.10 of 2^-24. */
  tan: [-0.333333045, -0.0222265366, -0.00209627999, -0.000248194207],

  /** atan(t) = t + t^3 P(t^2), 0 <= t <= 1: error 0.045 of 2^-24. */
  atan: [
    -0.333332986, 0.199985296, -0.142640159, 0.109508783, -0.0839928463, 0.0578805655, -0.0310954973, 0.0108674131,
    -0.0017824067,
  ],

  /** erf(x) = x + x P(x^2), |x| <= 1.1875: error 0.24 of 2^-24. */
  erfSmall: [0.128379151, -0.376125336, 0.112826467, -0.0268188789, 0.00512936991, -0.000754941488, 0.0000649551366],

  /** erf(x) = 1 - P(x)^8, 1.1875 <= x <= 4: error 0.025 of 2^-24. */
  erfLarge: [
    1.00080144, -0.144685596, -0.0625247732, -0.00987558346, 0.0118159112, -0.00200894428, 0.0000490967686,
    0.00000902778083,
  ],

  /** log2((1 + s) / (1 - s)) = 2 / ln 2 * (s + s^3 / 3 + s^5 P(s^2)), |s| <= 3 - sqrt(8): error 0.00014 of 2^-24. */
  log2: [0.200000763, 0.142735422, 0.117099501],

  /** 2^r = 1 + r P(r), |r| <= 1/2: error 0.043 of 2^-24. */
  exp2: [0.693147182, 0.240226507, 0.0555040352, 0.00961817801, 0.00133479014, 0.00015411475, 0.0000102886397],
} as const satisfies Record<string, readonly number[]>
