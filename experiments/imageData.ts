// The images an experiment learns from.
import { type ImageSetName, imageSetNames, loadImages, type Split, take } from '../src/data/index.ts'
import { DataError } from '../src/errors.ts'
import type { Settings } from './experiment.ts'

/**
 * The wanted set where it is at hand or can be fetched; else the glyphs, which need neither file nor network, with a word
 * about it. A quick run is on the glyphs at once. A set that was asked for by name is not replaced: then DataError says what is missing.
 */
export async function imagesFor(
  wanted: ImageSetName,
  { set, data, quick, print }: Pick<Settings, 'set' | 'data' | 'quick' | 'print'>,
): Promise<Split> {
  if (set !== undefined)
    return loadImages(set as ImageSetName, { data, download: imageSetNames.includes(set as ImageSetName) })
  if (quick) return loadImages('glyphs')
  try {
    return await loadImages(wanted, { data })
  } catch (error) {
    if (!(error instanceof DataError) || error.code !== 'data-not-found') throw error
  }
  print(`${wanted} is not on this machine; fetching it …`)
  try {
    return await loadImages(wanted, { data, download: true })
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    print(`It could not be fetched (${error.message.split('\n')[0].replace(/:$/, '')}).`)
    print('Training on the glyphs instead, ten classes that are drawn on the spot.')
    return loadImages('glyphs')
  }
}

/** The first `train` and `test` images, and a line that says so where that is not all. */
export function subset(split: Split, train: number, test: number, print: Settings['print']): Split {
  const [all, allTest] = [split.train.shape[0], split.test.shape[0]]
  const taken = { train: take(split.train, train), test: take(split.test, test) }
  const count = (n: number) => n.toLocaleString('en')
  if (train < all || test < allTest)
    print(
      `A subset: ${count(Math.min(train, all))} of ${count(all)} images to train on, ${count(Math.min(test, allTest))} of ${count(allTest)} to test on.`,
    )
  return taken
}
