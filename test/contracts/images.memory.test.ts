import { emptyDisk } from '../../src/testing/disk.ts'
import { emptyStore, fakeImages, fakeImage } from '../../src/testing/images.ts'
import { imagesContract } from './images.contract.ts'

const id = (digit: string): string => `sha256:${digit.repeat(64)}`

imagesContract('memory', async () => {
  const disk = emptyDisk()
  const store = emptyStore()
  disk.folders.add('/tars')
  store.images.set(id('1'), fakeImage('shop:one'))
  store.images.set(id('2'), fakeImage('shop:two'))
  store.registry.set('registry.example/shop:1', { id: id('1'), ...fakeImage() })
  const used = new Map<string, string>()
  const change = async (file: string, edit: (body: Buffer) => Buffer): Promise<void> =>
    void disk.files.set(file, edit(Buffer.from(disk.files.get(file) ?? [])))
  return {
    images: () =>
      fakeImages(store, disk, (id) => [...used].filter(([, of]) => of === id).map(([name]) => name)),
    repository: 'shop',
    remote: 'registry.example/shop:1',
    nowhere: 'registry.example/none:1',
    folder: '/tars',
    cut: (file) => change(file, (body) => body.subarray(0, body.length / 2)),
    flip: (file) => change(file, (body) => Buffer.from(body.toString().replace('archive', 'brchive'))),
    use: async (of) => (used.set('container', of), 'container'),
    exists: async (file) => disk.files.has(file),
    close: async () => undefined,
  }
})
