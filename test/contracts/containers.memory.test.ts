import { fakeContainers, noContainers } from '../../src/testing/containers.ts'
import { emptyStore, fakeImage } from '../../src/testing/images.ts'
import { containersContract } from './containers.contract.ts'

containersContract('in memory', async () => {
  const images = emptyStore()
  images.images.set(`sha256:${'a'.repeat(64)}`, fakeImage('box:1', 'box:ends'))
  const containers = noContainers((image) =>
    image === 'box:ends' ? { state: 'stopped', exitCode: 7, log: 'one\ntwo' } : {},
  )
  const foreign = async (name: string, folder: string): Promise<void> =>
    void containers.containers.set(name, {
      image: 'box:1',
      imageId: 'sha256:a',
      state: 'running',
      exitCode: null,
      log: '',
      madeBy: null,
      server: null,
      mounts: [folder],
    })
  return {
    containers: fakeContainers({ containers, images, scope: { run: 'test-run' } }),
    lasting: { image: 'box:1', command: [] },
    ending: { image: 'box:ends', command: [] },
    foreign,
    bound: foreign,
    close: async () => undefined,
  }
})
