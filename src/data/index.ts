// Image data on the host, as plain typed arrays: reading, drawing, fetching, shuffling, augmenting.

export { asText } from './asText.ts'
export { type AugmentOptions, augment, normalize } from './augment.ts'
export { cacheFolder } from './cache.ts'
export { type CifarRecords, readCifar10 } from './cifar.ts'
export { type ImageSet, imageSet, pixelStatistics, type Split, select, take } from './dataset.ts'
export { type DownloadableFile, type DownloadOptions, type DownloadProgress, download } from './download.ts'
export { drawGlyphs, glyphClasses, glyphs } from './glyphs.ts'
export { type IdxArray, readIdx, writeIdx } from './idx.ts'
export { type ImageSetName, imageSetNames, type LoadOptions, loadImages } from './load.ts'
export { readPngFolder } from './pngFolder.ts'
export { type BatchOptions, batches, permutation } from './shuffle.ts'
