// Colours: of series, and of numbers in maps.

/** Told apart by people who see colours differently too (after Okabe and Ito), and dark enough on white. */
export const seriesColors = ['#2166ac', '#d6604d', '#1b8a5a', '#8e5bb5', '#b8860b', '#0f8b9d', '#b0457b', '#6c757d']

/** `sequential`: dark to bright; `diverging`: blue below the middle, red above; `grey`: black to white. */
export type ColorMap = 'sequential' | 'diverging' | 'grey'

type Rgb = readonly [red: number, green: number, blue: number]

const stops: Readonly<Record<ColorMap, readonly Rgb[]>> = {
  sequential: [
    [68, 1, 84],
    [65, 68, 135],
    [42, 120, 142],
    [34, 168, 132],
    [122, 209, 81],
    [253, 231, 37],
  ],
  diverging: [
    [33, 102, 172],
    [146, 197, 222],
    [247, 247, 247],
    [244, 165, 130],
    [178, 24, 43],
  ],
  grey: [
    [0, 0, 0],
    [255, 255, 255],
  ],
}

/** The colour at `share`, 0 … 1; grey for what is not a number. */
export function colorAt(map: ColorMap, share: number): Rgb {
  if (Number.isNaN(share)) return [128, 128, 128]
  const table = stops[map]
  const at = Math.min(1, Math.max(0, share)) * (table.length - 1)
  const low = Math.min(table.length - 2, Math.floor(at))
  const mix = at - low
  const [a, b] = [table[low], table[low + 1]]
  const between = (channel: 0 | 1 | 2): number => Math.round(a[channel] + (b[channel] - a[channel]) * mix)
  return [between(0), between(1), between(2)]
}
