import { defineConfig } from './src/index.ts'
import { place } from './demo/place.ts'
import { brace } from './targets/brace.ts'
import { codex, codexDev } from './targets/codex.ts'
import { composeApi } from './targets/compose-api.ts'
import { contextsafe } from './targets/contextsafe.ts'

const app = (command: string) => ({
  command: [process.execPath, 'demo/app.ts', command],
  environment: { DEMO_PORT: String(place.port) },
})

const config = defineConfig({
  artifacts: './.demo/artifacts',
  state: './.demo/state',
  defaultTarget: 'demo',
  targets: {
    codex: codex({
      root: process.env['CODEX_ROOT'] ?? '/srv/codex',
      github: process.env['GITHUB_REPOSITORY'] ?? 'example/codex-completions-api',
    }),
    'codex-dev': codexDev({ root: process.env['CODEX_ROOT'] ?? '/srv/codex' }),
    brace: brace({ root: process.env['BRACE_ROOT'] ?? '/srv/brace', duties: true }),
    'compose-api': composeApi({ root: process.env['COMPOSE_API_ROOT'] ?? '/srv/api' }),
    contextsafe: contextsafe({ root: process.env['CONTEXTSAFE_ROOT'] ?? '/srv/contextsafe' }),
    /** What `npm run demo` builds: a shop as a local process on SQLite. */
    demo: {
      title: 'The demo shop',
      objectives: { rto: '5m', rpo: '24h' },
      stack: {
        kind: 'process',
        project: 'demo',
        state: './.demo/processes',
        services: { app: app('serve'), smoke: { ...app('smoke'), oneOff: true } },
      },
      writers: ['app'],
      database: { engine: 'sqlite', file: place.database, confirmPhrase: 'restore the demo shop' },
      backups: { directory: place.backups, pattern: 'shop-{time}.db', maxAge: '26h', minBytes: '100KiB' },
      assertions: [
        { name: 'orders are there', sql: 'select count(*) from orders', atLeast: 80_000 },
        {
          name: 'every order has its total',
          sql: 'select count(*) from orders where total_cents <= 0',
          equals: 0,
        },
        {
          name: 'the migration level is the one before',
          sql: 'select version_num from alembic_version',
          equals: 'c3_orders',
        },
      ],
      health: [
        {
          name: 'shop',
          url: `http://127.0.0.1:${place.port}/api/health`,
          json: { status: 'ok' },
          passes: 3,
          every: '300ms',
          within: '8s',
        },
      ],
      smoke: { service: 'smoke' },
      bundle: {
        directory: place.releases,
        pattern: 'demo-shop-v*-{time}.tar.gz',
        maxAge: '40d',
        install: ['npm', 'install', '--omit=dev', '--offline', '--no-audit', '--no-fund'],
        dryRun: ['npm', 'run', 'start', '--', '--dry-run'],
      },
      data: {
        directory: place.archives,
        pattern: 'shop-files-{time}.tar.gz',
        keyFiles: [
          {
            path: 'config.toml',
            parse: 'toml',
            expect: { name: 'demo-shop', 'mail.sender': 'shop@shop.example' },
          },
          { path: 'prices.json', parse: 'json', expect: { currency: 'EUR' } },
        ],
      },
      staging: place.staging,
      retention: { dumps: './.demo/dumps', keepOld: '7d' },
    },
  },
})

export default config

declare module './src/index.ts' {
  interface Registered {
    readonly config: typeof config
  }
}
