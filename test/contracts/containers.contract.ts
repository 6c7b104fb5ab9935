import { describe, expect, it } from 'vitest'
import type { Containers, Throwaway } from '../../src/drivers/containers.ts'

export type ContainersBench = {
  readonly containers: Containers
  /** Of an image that is there; it runs until it is removed. */
  readonly lasting: Pick<Throwaway, 'image' | 'command'>
  /** It says `one` and `two`, each in a line, and ends with exit code 7. */
  readonly ending: Pick<Throwaway, 'image' | 'command'>
  /** A container of this name that no run made, and that mounts a folder. It never ran. */
  foreign(name: string, folder: string): Promise<void>
  /** The same, through a volume that is bound to the folder. */
  bound(name: string, folder: string): Promise<void>
  close(): Promise<void>
}

/** What every Containers driver must do. */
export function containersContract(name: string, open: () => Promise<ContainersBench>): void {
  const failed = { name: 'RunbookError', code: 'failed' }
  const called = (what: string): string => `contract-${what}-${Math.random().toString(36).slice(2, 10)}`
  const plain = { environment: {}, random: [] }

  describe(`containers, ${name}`, () => {
    it('knows nothing of a name that nobody has, and removes it without complaint', async () => {
      await using bench = await opened(open)
      const container = called('none')
      expect(await bench.containers.state(container)).toBeNull()
      expect(await bench.containers.log(container, 5)).toBe('')
      await bench.containers.remove(container)
    })

    it('starts one, tells that it runs, and removes it', async () => {
      await using bench = await opened(open)
      const container = called('lasting')
      const facts = await bench.containers.start({ name: container, ...bench.lasting, ...plain })
      try {
        expect(facts).toMatchObject({ image: bench.lasting.image, state: 'running', exitCode: null })
        expect(facts.imageId).toMatch(/^sha256:/)
        expect(await bench.containers.state(container)).toEqual(facts)
        await expect(
          bench.containers.start({ name: container, ...bench.lasting, ...plain }),
        ).rejects.toMatchObject(failed)
        expect(await bench.containers.state(container)).toEqual(facts)
      } finally {
        await bench.containers.remove(container)
      }
      expect(await bench.containers.state(container)).toBeNull()
    })

    it('tells the exit code and the last lines of one that has ended', async () => {
      await using bench = await opened(open)
      const container = called('ending')
      await bench.containers.start({ name: container, ...bench.ending, ...plain })
      try {
        await expect
          .poll(() => bench.containers.state(container), { timeout: 10_000 })
          .toMatchObject({ state: 'stopped', exitCode: 7 })
        expect((await bench.containers.log(container, 5)).trim()).toBe('one\ntwo')
        expect((await bench.containers.log(container, 1)).trim()).toBe('two')
      } finally {
        await bench.containers.remove(container)
      }
    })

    it('fetches no image, and leaves nothing where there is none', async () => {
      await using bench = await opened(open)
      const container = called('imageless')
      await expect(
        bench.containers.start({ ...plain, name: container, image: 'runbook-test/none:0', command: [] }),
      ).rejects.toMatchObject(failed)
      expect(await bench.containers.state(container)).toBeNull()
    })

    it('names what a container mounts, whoever made it', async () => {
      await using bench = await opened(open)
      const container = called('mounting')
      await bench.foreign(container, '/tmp')
      const mounts = await bench.containers.mounts()
      expect(mounts).toContainEqual({ container, source: '/tmp', volume: null, since: null })
      expect(mounts?.filter((mount) => mount.container === container)).toHaveLength(1)
    })

    it('names the folder that a mounted volume is bound to', async () => {
      await using bench = await opened(open)
      const container = called('bound')
      await bench.bound(container, '/tmp')
      const mounts = await bench.containers.mounts()
      expect(mounts?.filter((mount) => mount.container === container)).toEqual([
        { container, source: '/tmp', volume: null, since: null },
      ])
    })

    it('removes none that no run made', async () => {
      await using bench = await opened(open)
      const container = called('foreign')
      await bench.foreign(container, '/tmp')
      await expect(bench.containers.remove(container)).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining(container) as string,
      })
      expect(await bench.containers.state(container)).not.toBeNull()
    })
  })
}

async function opened(open: () => Promise<ContainersBench>): Promise<ContainersBench & AsyncDisposable> {
  const bench = await open()
  return { ...bench, [Symbol.asyncDispose]: () => bench.close() }
}
