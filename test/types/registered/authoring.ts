import { defineConfig, param, runbook } from '../../../src/index.ts'

const config = defineConfig({
  defaultTarget: 'demo',
  targets: {
    demo: {
      stack: { kind: 'process', project: 'demo', services: { app: ['node', 'app.ts'] } },
      writers: ['app'],
      database: { engine: 'sqlite', file: 'data/app.db' },
      settings: { queue: 'mail', attempts: 3 },
    },
    shop: {
      database: { engine: 'postgres', host: 'db', name: 'shop', user: 'shop' },
      settings: { queue: 'orders', attempts: 1 },
    },
  },
})
export default config

declare module '../../../src/index.ts' {
  interface Registered {
    config: typeof config
  }
}

export const a = runbook(
  'a',
  { title: 'A', when: '', needs: ['database', 'writers'], params: { x: param.text('x') } },
  ({ target }) => {
    const name: 'demo' | 'shop' = target.name
    const queue: string = target.settings.queue
    const file: string = target.database.name
    void [name, queue, file]
    // @ts-expect-error no target has this setting
    void target.settings.queues
    // @ts-expect-error no target is called so
    if (target.name === 'prod') throw new Error()
  },
)
// @ts-expect-error no target has health checks
runbook('b', { title: 'B', when: '', needs: ['health'], params: {} }, () => undefined)
