/** A stack as people write it, and what its target must say. */
export type Shape = {
  readonly name: string
  /** By path below the project's folder, which is `shop`. */
  readonly files: { readonly [path: string]: string }
  /** Sections of each target without `backups`; `?` at the end of a name where it must be marked as a guess. */
  readonly targets: readonly { readonly [section: string]: unknown }[]
  readonly remark?: string
}

const stack = { kind: 'compose', project: 'shop', files: ['compose.yml'] }
const postgres = (more: { readonly [name: string]: string } = {}) => ({
  engine: 'postgres',
  service: 'db',
  name: 'shop',
  user: 'postgres',
  ...more,
})
const health = (url: string, name = 'web') => [{ name, url }]
const compose = (text: string): Shape['files'] => ({ 'compose.yml': text })

export const shapes: readonly Shape[] = [
  {
    name: 'what takes the dumps, and what asks with psql, in the image of the server',
    files: compose(`
services:
  web:
    image: ghcr.io/example/shop:1.2
    ports: ['8000:80']
    environment: { DATABASE_URL: 'postgres://shop:pw@db:5432/shop' }
  db:
    image: postgres:17
    command: ['-c', 'max_connections=200']
    environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: pw }
  backup:
    image: postgres:17
    entrypoint: [sh, -c]
    command: ['while true; do pg_dump -h db -U postgres shop | gzip > /backups/shop.sql.gz; sleep 86400; done']
    environment: { PGPASSWORD: pw }
    depends_on: [db]
`),
    targets: [{ stack, writers: ['web'], database: postgres(), 'health?': health('http://127.0.0.1:8000/') }],
  },
  {
    name: 'an application in the image of the server, a proxy, and dumps by a script',
    files: compose(`
services:
  gate:
    image: nginx:1
    ports: ['8000:80']
    depends_on: [scribe]
  scribe:
    image: postgres:17
    entrypoint: [python3, /app/scribe.py]
    environment: { PGHOST: ledger, PGUSER: shop, PGDATABASE: shop, POSTGRES_PASSWORD: pw }
  ledger:
    image: postgres:17
    environment: { POSTGRES_USER: shop, POSTGRES_DB: shop, POSTGRES_PASSWORD: pw }
  dumps:
    image: postgres:17
    command: ['/out/backup.sh']
    environment: { PGHOST: ledger, POSTGRES_PASSWORD: pw }
    volumes: ['./out:/out']
  stream:
    image: postgres:17
    command: [pg_recvlogical, -h, ledger, --start]
    environment: { POSTGRES_PASSWORD: pw }
`),
    targets: [
      {
        stack,
        // Nothing says what the script does, and a dump while the data is exchanged is of no use.
        writers: ['dumps', 'scribe'],
        database: postgres({ service: 'ledger', user: 'shop' }),
        'health?': health('http://127.0.0.1:8000/', 'gate'),
      },
    ],
  },
  {
    name: 'environment as a map, and a health check with curl',
    files: compose(`
services:
  web:
    image: ghcr.io/example/shop:1.2
    ports: ['8000:3000']
    environment: { DATABASE_URL: 'postgres://shop:s3cr3t-pass@db:5432/shop' }
    healthcheck: { test: ['CMD', 'curl', '-f', 'http://localhost:3000/api/health?token=t0ken-of-mine'] }
  db:
    image: postgres:17
    environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: s3cr3t-pass }
`),
    targets: [
      { stack, writers: ['web'], database: postgres(), health: health('http://127.0.0.1:8000/api/health') },
    ],
  },
  {
    name: 'environment as a list, a user, and a health check in a shell',
    files: compose(`
services:
  web:
    image: example/shop
    ports: ['127.0.0.1:8080:80']
    environment:
      - PGHOST=db
      - PGDATABASE=shop
      - PGPASSWORD
    healthcheck: { test: wget -qO- http://127.0.0.1/healthz || exit 1 }
  db:
    image: postgres:16-alpine
    environment:
      - POSTGRES_USER=shop
      - POSTGRES_PASSWORD=s3cr3t-pass
`),
    targets: [
      {
        stack,
        writers: ['web'],
        database: postgres({ user: 'shop' }),
        health: health('http://127.0.0.1:8080/healthz'),
      },
    ],
  },
  {
    name: 'variables in env files, and overrides',
    files: {
      ...compose(`
services:
  web: { image: example/shop, env_file: [web.env], ports: ['\${PORT}:3000'] }
  db: { image: 'postgres:17', env_file: db.env }
`),
      'compose.override.yml': `
services:
  worker: { image: example/shop, env_file: [web.env] }
`,
      '.env': 'PORT=8123\n',
      'web.env': 'DB_HOST=db\nDB_NAME=shop\nDB_PASSWORD=s3cr3t-pass\n',
      'db.env': 'POSTGRES_DB=shop\nPOSTGRES_PASSWORD=s3cr3t-pass\n',
    },
    targets: [
      {
        stack: { ...stack, files: ['compose.yml', 'compose.override.yml'] },
        writers: ['web', 'worker'],
        database: postgres(),
        'health?': health('http://127.0.0.1:8123/'),
      },
    ],
  },
  {
    name: 'names and password in secrets',
    files: {
      ...compose(`
services:
  web: { build: ./web, secrets: [password], ports: ['8000:8000'], depends_on: [db] }
  db:
    image: postgres
    secrets: [password, user, name]
    environment:
      POSTGRES_PASSWORD_FILE: /run/secrets/password
      POSTGRES_USER_FILE: /run/secrets/user
      POSTGRES_DB_FILE: /run/secrets/name
secrets:
  password: { file: ./secrets/password.txt }
  user: { file: ./secrets/user.txt }
  name: { file: ./secrets/name.txt }
`),
      'secrets/password.txt': 's3cr3t-pass\n',
      'secrets/user.txt': 'owner\n',
      'secrets/name.txt': 'orders\n',
      'web/Dockerfile': 'FROM node:24\n',
    },
    targets: [
      {
        stack,
        'writers?': ['web'],
        database: postgres({ user: 'owner', name: 'orders' }),
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'networks, a proxy in front, and what cannot reach the database',
    files: compose(`
services:
  proxy: { image: 'nginx:1.27', ports: ['80:80'], networks: [front], depends_on: [web] }
  web: { image: example/shop, networks: [front, back], environment: { DB: 'postgresql://db/shop' } }
  pages: { image: example/pages, networks: [front], environment: { DB: 'postgresql://db/shop' } }
  db: { image: 'postgres:17', networks: [back], environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
networks: { front: {}, back: {} }
`),
    targets: [
      { stack, writers: ['web'], database: postgres(), 'health?': health('http://127.0.0.1/', 'proxy') },
    ],
  },
  {
    name: 'profiles, migrations that run once, and tools',
    files: compose(`
services:
  web:
    image: example/shop
    ports: ['8000:8000']
    environment: &db { DATABASE_URL: 'postgres://db/shop' }
    depends_on: { migrate: { condition: service_completed_successfully } }
  migrate: { image: example/shop, environment: *db, command: [migrate] }
  smoke: { image: example/smoke, environment: *db, profiles: [smoke] }
  admin: { image: dpage/pgadmin4, environment: { X: db }, depends_on: [db], ports: ['5050:80'] }
  nightly: { image: 'prodrigestivill/postgres-backup-local:17', environment: { POSTGRES_HOST: db } }
  cache: { image: 'redis:7', depends_on: [db] }
  db: { image: 'postgres:17', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
`),
    targets: [{ stack, writers: ['web'], database: postgres(), 'health?': health('http://127.0.0.1:8000/') }],
    remark: 'migrate runs once and ends',
  },
  {
    name: 'extends, anchors and a pooler',
    files: {
      ...compose(`
x-app: &app { image: example/shop, environment: { DB_HOST: pool, DB_NAME: shop } }
services:
  web: { <<: *app, ports: ['8000:8000'] }
  jobs: { extends: { file: base.yml, service: jobs } }
  pool: { image: edoburu/pgbouncer, environment: { DATABASE_URL: 'postgres://x:y@db/shop' } }
  db: { image: 'postgres:17', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
`),
      'base.yml': 'services:\n  jobs: { image: example/jobs, command: [jobs, --db, "pool:6432"] }\n',
    },
    targets: [
      { stack, writers: ['jobs', 'web'], database: postgres(), 'health?': health('http://127.0.0.1:8000/') },
    ],
  },
  ...[
    ['pgvector/pgvector:pg17', 'pgvector'],
    ['postgis/postgis:16-3.4-alpine', 'PostGIS'],
    ['timescale/timescaledb:2.17.2-pg16', 'TimescaleDB'],
    ['registry.example.com:5000/library/postgres@sha256:' + 'a'.repeat(64), 'a registry and a digest'],
  ].map(([image = '', name = '']): Shape => ({
    name: `the image of ${name}`,
    files: compose(`
services:
  web: { image: example/shop, environment: { U: 'postgres://db/shop' }, ports: ['8000:8000'] }
  db: { image: '${image}', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
`),
    targets: [{ stack, writers: ['web'], database: postgres(), 'health?': health('http://127.0.0.1:8000/') }],
  })),
  {
    name: 'Bitnami, whose user may not create databases',
    files: compose(`
services:
  web: { image: example/shop, environment: { U: 'postgres://db/shop' }, ports: ['8000:8000'] }
  db:
    image: bitnami/postgresql:17
    environment: { POSTGRESQL_USERNAME: shop, POSTGRESQL_DATABASE: shop, POSTGRESQL_PASSWORD: x }
`),
    targets: [
      {
        stack,
        writers: ['web'],
        'database?': postgres({ user: 'shop' }),
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'a database of an own image, which is built here, under another name',
    files: {
      ...compose(`
services:
  web: { image: example/shop, environment: { U: 'jdbc:postgresql://data.internal:5432/orders' }, ports: ['8000:8000'] }
  store:
    build: { context: ., dockerfile: db.Dockerfile }
    networks: { default: { aliases: [data.internal] } }
    environment: { POSTGRES_PASSWORD: x }
`),
      'db.Dockerfile': 'ARG X=1\nFROM alpine AS tools\nFROM postgres:17\nCOPY --from=tools /x /x\n',
    },
    targets: [
      {
        stack,
        writers: ['web'],
        database: { engine: 'postgres', service: 'store', name: 'orders', user: 'postgres' },
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'a name that the applications do not use',
    files: compose(`
services:
  web: { image: example/shop, environment: { U: 'postgres://db/other' }, ports: ['8000:8000'] }
  db: { image: 'postgres:17', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
`),
    targets: [
      {
        stack,
        writers: ['web'],
        'database?': postgres({ name: 'other' }),
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'two databases',
    files: compose(`
services:
  web: { image: example/shop, environment: { U: 'postgres://db/shop' }, ports: ['8000:8000'] }
  stats: { image: example/stats, environment: { U: 'postgres://logs/logs' }, ports: ['8001:8000'] }
  db: { image: 'postgres:17', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: x } }
  logs: { image: 'postgres:16', environment: { POSTGRES_DB: logs, POSTGRES_PASSWORD: x } }
`),
    targets: [
      { stack, writers: ['web'], database: postgres(), 'health?': health('http://127.0.0.1:8000/') },
      {
        stack,
        writers: ['stats'],
        database: postgres({ service: 'logs', name: 'logs' }),
        'health?': health('http://127.0.0.1:8001/', 'stats'),
      },
    ],
  },
  {
    name: 'MySQL, which is not supported',
    files: compose(`
services:
  web: { image: example/shop, depends_on: [db], ports: ['8000:8000'] }
  db: { image: 'mysql:8', environment: { MYSQL_ROOT_PASSWORD: x } }
`),
    targets: [{ stack, 'health?': health('http://127.0.0.1:8000/') }],
    remark: 'the database of db is MySQL, which runbook cannot restore',
  },
  {
    name: 'a database outside the project',
    files: compose(`
services:
  web:
    image: example/shop
    ports: ['8000:8000']
    environment: { DATABASE_URL: 'postgres://shop:s3cr3t-pass@pg.example.com:5432/shop' }
`),
    targets: [{ stack, 'health?': health('http://127.0.0.1:8000/') }],
    remark: 'the database pg.example.com/shop is outside the project',
  },
  {
    name: 'SQLite in a named volume',
    files: compose(`
services:
  web:
    image: example/shop
    ports: ['8000:8000']
    environment: { DATABASE_URL: 'sqlite:////data/shop.db' }
    volumes: ['data:/data']
  jobs: { image: example/jobs, volumes: ['data:/var/data'] }
volumes: { data: {} }
`),
    targets: [
      {
        stack,
        writers: ['jobs', 'web'],
        volumeDatabase: { service: 'web', path: '/data/shop.db' },
        staging: './staging',
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'SQLite in a folder',
    files: {
      ...compose(`
services:
  web: { image: example/shop, ports: ['8000:8000'], volumes: ['./data:/app/data'] }
`),
      'data/shop.sqlite3': `SQLite format 3\0${'x'.repeat(100)}`,
      'data/notes.db': 'no database',
    },
    targets: [
      {
        stack,
        writers: ['web'],
        database: { engine: 'sqlite', file: 'data/shop.sqlite3' },
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
  {
    name: 'SQLite of Vaultwarden, in a folder that nothing names',
    files: {
      ...compose(`
services:
  vaultwarden:
    image: vaultwarden/server:latest
    environment: { DOMAIN: 'https://vault.example.com', ADMIN_TOKEN: s3cr3t-pass }
    volumes: ['./vw-data/:/data/']
    ports: ['127.0.0.1:8080:80']
`),
      'vw-data/db.sqlite3': `SQLite format 3\0${'x'.repeat(100)}`,
    },
    targets: [
      {
        stack,
        writers: ['vaultwarden'],
        database: { engine: 'sqlite', file: 'vw-data/db.sqlite3' },
        'health?': health('http://127.0.0.1:8080/', 'vaultwarden'),
      },
    ],
  },
  {
    name: 'SQLite of Uptime Kuma, in a volume, beside a proxy',
    files: compose(`
services:
  uptime-kuma:
    image: louislam/uptime-kuma:1
    volumes: ['kuma:/app/data', '/var/run/docker.sock:/var/run/docker.sock:ro']
    ports: ['3001:3001']
  proxy: { image: 'caddy:2', ports: ['80:80', '443:443'] }
volumes: { kuma: {} }
`),
    targets: [
      {
        stack,
        writers: ['uptime-kuma'],
        volumeDatabase: { service: 'uptime-kuma', path: '/app/data/kuma.db' },
        staging: './staging',
        'health?': health('http://127.0.0.1:3001/', 'uptime-kuma'),
      },
    ],
  },
  {
    name: 'SQLite of Gitea, as a variable names it, with a runner beside it',
    files: {
      ...compose(`
services:
  server:
    image: gitea/gitea:1.22
    environment:
      - GITEA__database__DB_TYPE=sqlite3
      - GITEA__database__PATH=/data/gitea/gitea.db
    volumes: ['./gitea:/data', '/etc/localtime:/etc/localtime:ro']
    ports: ['3000:3000', '222:22']
    healthcheck: { test: ['CMD', 'curl', '-fsS', 'http://localhost:3000/api/healthz'] }
  runner: { image: 'gitea/act_runner:0.2.11', depends_on: [server] }
`),
      'gitea/gitea/gitea.db': `SQLite format 3\0${'x'.repeat(100)}`,
    },
    targets: [
      {
        stack,
        writers: ['server'],
        database: { engine: 'sqlite', file: 'gitea/gitea/gitea.db' },
        health: health('http://127.0.0.1:3000/api/healthz', 'server'),
      },
    ],
  },
  {
    name: 'no database',
    files: compose("services:\n  web: { image: example/shop, ports: ['8000:8000'] }\n"),
    targets: [{ stack, 'health?': health('http://127.0.0.1:8000/') }],
    remark: 'no database found',
  },
  {
    name: 'names with quotes and other scripts, in a folder for deployment',
    files: {
      'deploy/docker-compose.prod.yml': `
name: shop
services:
  web: { image: example/shop, environment: { DB_HOST: db, DB_NAME: 'O''Neil "\`\${x:-}*/ Магазин' }, ports: ['8000:8000'] }
  db: { image: 'postgres:17', environment: { POSTGRES_DB: 'O''Neil "\`*/ Магазин', POSTGRES_PASSWORD: x } }
`,
    },
    targets: [
      {
        stack: { ...stack, files: ['deploy/docker-compose.prod.yml'] },
        writers: ['web'],
        database: postgres({ name: `O'Neil "\`*/ Магазин` }),
        'health?': health('http://127.0.0.1:8000/'),
      },
    ],
  },
]
