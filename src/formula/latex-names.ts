/**
 * The LaTeX of a tensor's, constant's or index's name: one letter as itself, Greek names as the letters, words upright,
 * digits behind a letter as its subscript. What carries a subscript or a prime already is braced, to take more of them.
 */
export function latexName(name: string): string {
  const [, word, primes] = /^(.*?)('*)$/su.exec(name)!
  const [, letter, digits] = /^(.*?)(\d*)$/su.exec(word)!
  const symbol = letterLatex(letter)
  if (digits !== '' && symbol !== undefined) return `{${symbol}${primes}_{${digits}}}`
  return primes === '' ? (symbol ?? wordLatex(word)) : `{${symbol ?? wordLatex(word)}${primes}}`
}

function letterLatex(letter: string): string | undefined {
  if (greek.has(letter)) return `\\${letter}`
  if (Object.hasOwn(greekLetters, letter)) return `\\${greekLetters[letter]}`
  return /^[a-zA-Z]$/.test(letter) ? letter : undefined
}

const greek = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi ' +
    'varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega'
  ).split(' '),
)

const greekLetters: Readonly<Record<string, string>> = {
  α: 'alpha',
  β: 'beta',
  γ: 'gamma',
  δ: 'delta',
  ε: 'varepsilon',
  ζ: 'zeta',
  η: 'eta',
  θ: 'theta',
  ι: 'iota',
  κ: 'kappa',
  λ: 'lambda',
  μ: 'mu',
  ν: 'nu',
  ξ: 'xi',
  π: 'pi',
  ρ: 'rho',
  σ: 'sigma',
  τ: 'tau',
  φ: 'varphi',
  χ: 'chi',
  ψ: 'psi',
  ω: 'omega',
  Γ: 'Gamma',
  Δ: 'Delta',
  Θ: 'Theta',
  Λ: 'Lambda',
  Ξ: 'Xi',
  Π: 'Pi',
  Σ: 'Sigma',
  Φ: 'Phi',
  Ψ: 'Psi',
  Ω: 'Omega',
}

const wordLatex = (word: string): string =>
  /^[a-zA-Z0-9_]+$/.test(word) ? `\\mathrm{${word.replaceAll('_', '\\_')}}` : `\\text{${word.replaceAll('_', '\\_')}}`
