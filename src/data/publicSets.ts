// Where the public image sets come from, what their files are called, and what their classes mean.
import type { DownloadableFile } from './download.ts'

export type PublicSetName = 'mnist' | 'fashion-mnist' | 'cifar-10'

export interface PublicSet {
  /** Folders that hold the files, below a data folder: our own name first, then those of PyTorch and of the archive. */
  readonly folders: readonly string[]
  readonly classes: readonly string[]
  readonly format: 'idx' | 'cifar-10'
  /** IDX: images, then labels. CIFAR-10: the batches in order. IDX files may also lie there with `.gz` added. */
  readonly train: readonly string[]
  readonly test: readonly string[]
  /** What to download, by file name. */
  readonly downloads: ReadonlyMap<string, DownloadableFile>
}

const idxTrain = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte']
const idxTest = ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']

function idxDownloads(
  places: readonly string[],
  files: readonly (readonly [size: number, md5: string])[],
): ReadonlyMap<string, DownloadableFile> {
  return new Map(
    [...idxTrain, ...idxTest].map((name, i) => {
      const [size, md5] = files[i]
      return [`${name}.gz`, { urls: places.map((place) => `${place}/${name}.gz`), size, md5 }]
    }),
  )
}

export const publicSets: Readonly<Record<PublicSetName, PublicSet>> = {
  // LeCun, Cortes, Burges: "The MNIST database of handwritten digits"; its home page no longer serves the files to all.
  mnist: {
    folders: ['mnist', 'MNIST/raw'],
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    format: 'idx',
    train: idxTrain,
    test: idxTest,
    downloads: idxDownloads(
      [
        'https://ossci-datasets.s3.amazonaws.com/mnist',
        'https://storage.googleapis.com/cvdf-datasets/mnist',
        'http://yann.lecun.com/exdb/mnist',
      ],
      [
        [9_912_422, 'f68b3c2dcbeaaa9fbdd348bbdeb94873'],
        [28_881, 'd53e105ee54ea40749a09fcbcd1e9432'],
        [1_648_877, '9fb629c4189551a2d022fa330f9573f3'],
        [4_542, 'ec29112dd5afa0611ce80d1b7f02629c'],
      ],
    ),
  },
  // Xiao, Rasul, Vollgraf: "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.
  'fashion-mnist': {
    folders: ['fashion-mnist', 'FashionMNIST/raw'],
    classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    format: 'idx',
    train: idxTrain,
    test: idxTest,
    downloads: idxDownloads(
      [
        'https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion',
        'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
      ],
      [
        [26_421_880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'],
        [29_515, '25c81989df183df01b3e8a0aad5dffbe'],
        [4_422_102, 'bef4ecab320f06d8554ea6380940ec79'],
        [5_148, 'bb300cfdad3c16e7a12a480ee83cd310'],
      ],
    ),
  },
  // Krizhevsky: "Learning multiple layers of features from tiny images", 2009; the binary version.
  'cifar-10': {
    folders: ['cifar-10', 'cifar-10-batches-bin'],
    classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
    format: 'cifar-10',
    train: ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'],
    test: ['test_batch.bin'],
    downloads: new Map([
      [
        'cifar-10-binary.tar.gz',
        {
          urls: ['https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'],
          size: 170_052_171,
          md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        },
      ],
    ]),
  },
}
