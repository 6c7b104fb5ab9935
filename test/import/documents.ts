/** Documents in the shape of those that teams have: bold headings, inline commands, samples of output, scripts. */

export type Document = {
  readonly name: string
  readonly text: string
  /** `line name`, in order. */
  readonly traps: readonly string[]
  /** The share of its commands that must be recognised. */
  readonly least: number
}

const images = `**Image snapshots**

- Purpose: keep and restore the images of \`web\` on a shared host.

**Before a change**

- Run \`docker tag shop/web:latest shop/web:kept-1\`, then \`docker save -o /srv/kept/web.tar shop/web:kept-1\`.
- It reads the latest \`*.id\` pointer afterwards.

**Going back**

- Run \`docker load -i /srv/kept/web.tar\`, then \`docker compose up -d --no-build web\`.
- Never pass \`--build\`.
- Look: \`docker compose -f compose.yml ps\`
`

const dump = `# Restoring the shop

## When
- After a failed deploy.

## Test restore
1. Take the newest of \`./dumps/shop_YYYYMMDD.dump\`.
2. Start a server:
   \`\`\`bash
   docker run --rm -d --name shop-restore-test -e POSTGRES_PASSWORD=secret -p 55440:5432 postgres:16
   \`\`\`
3. Restore:
   \`\`\`bash
   pg_restore -h localhost -p 55440 -U postgres -d postgres ./dumps/FILE
   psql -h localhost -p 55440 -U postgres -c "select 1;"
   \`\`\`
4. Remove it: \`docker rm -f shop-restore-test\`.

### Tested last
- File: \`shop_eu_20260102.dump\`
- How: postgres:16 on :15440

## Restore in production
1. \`docker compose -f infra/compose.yml stop api jobs\`.
2. \`\`./scripts/restore.sh ./dumps/FILE\`\`
3. \`docker compose -f infra/compose.yml up -d api jobs\`.
4. \`GET /health\` returns 200, then \`docker compose -f infra/compose.yml --profile smoke up --build smoke-tests\`.
`

const release = `# Rollback (production)

The settings are in \`.env.live\`.

## 1) Go back

\`\`\`bash
IMAGE_TAG=7.1 docker compose --env-file .env pull
IMAGE_TAG=7.1 docker compose --env-file .env up -d api jobs
\`\`\`

\`\`\`bash
docker compose ps --format json | jq '.[].Image'
\`\`\`

## 2) Migrations

- Then:

  \`\`\`bash
  docker compose --env-file .env run --rm api alembic downgrade -1
  \`\`\`

## 3) Check

\`\`\`bash
curl -H "Authorization: Bearer $TOKEN" https://shop.example.com/metrics | head
docker compose logs --since=10m api jobs | tail -n 200
\`\`\`
`

const file = `# Recovery of the notes service

## Restore

### 1. Stop

\`\`\`bash
# All services
docker compose -f docker/compose.yml down
\`\`\`

### 2. Choose

\`\`\`bash
ls -lh /backups/notes/

# Output:
# -rw-r--r-- 1 root root 4M notes-20260101.db

BACKUP=/backups/notes/notes-20260101.db
gpg --decrypt \${BACKUP}.gpg > \${BACKUP}
sqlite3 \${BACKUP} "PRAGMA integrity_check;"
\`\`\`

### 3. Replace

\`\`\`bash
docker cp notes-api:/data/notes.db /tmp/notes-now-$(date +%Y%m%d).db
docker cp \${BACKUP} notes-api:/data/notes.db
docker exec notes-api chown notes:notes /data/notes.db
\`\`\`

### 4. Start

\`\`\`bash
docker compose -f docker/compose.yml up -d
sleep 10
curl http://localhost:8000/health
docker compose -f docker/compose.yml logs -f api
\`\`\`

## Script

\`\`\`bash
#!/bin/bash
set -e
if [ -z "$1" ]; then
  echo "usage: $0 VERSION"
  exit 1
fi
sed -i "s|image: notes/api:.*|image: notes/api:$1|" docker/compose.yml
docker compose -f docker/compose.yml up -d
sleep 15
if curl -sf http://localhost:8000/health > /dev/null; then
  echo "$(date) | $1 | SUCCESS" >> deployments/history.log
else
  echo "$(date) | $1 | FAILED" >> deployments/history.log
  exit 1
fi
\`\`\`
`

const drill = `# Drills

## Monthly

1. Check: \`sha256sum --check /mnt/kept/2026/01-02/data.sha256\`.
2. Unpack:

   \`\`\`bash
   tar -xzvf shop-release.tar.gz -C /tmp/shop-release
   cd /tmp/shop-release
   npm install --omit=dev
   npm run start -- --dry-run
   \`\`\`

## Quarterly

1. Put the data aside (\`mv data data.$(date +%Y%m%d)\`).
2. \`printf '%s' "$KEY" | gpg --batch --yes --passphrase-fd 0 -o data.tar.gz data.tar.gz.gpg\`
3. \`tar -xzf data.tar.gz -C .\`
4. \`mountpoint -q /mnt/kept\`, \`du -sh /mnt/kept\`, \`gpg --version\`
`

export const documents: readonly Document[] = [
  { name: 'images, with bold headings', text: images, traps: ['8 latest-pointer'], least: 1 },
  {
    name: 'a Postgres dump, with numbered lists',
    text: dump,
    traps: [
      '10 server-not-ready',
      '10 server-left',
      '14 roles-missing',
      '14 password-missing',
      '15 proves-nothing',
      '15 password-missing',
      '20 other-name',
      '21 other-port',
      '27 result-lost',
      '27 builds-on-rollback',
    ],
    least: 0.85,
  },
  {
    name: 'a release, with numbered headings',
    text: release,
    traps: ['8 other-env-file', '13 json-lines', '21 variable-forgotten', '21 downgrade-too-late'],
    least: 1,
  },
  {
    name: 'a SQLite file, with a script',
    text: file,
    traps: [
      '28 container-gone',
      '28 sqlite-copy-loses-rows',
      '28 same-day',
      '29 container-gone',
      '29 sqlite-old-log',
      '30 container-gone',
      '37 waits-once',
      '39 never-ends',
      '51 replaces-nothing',
      '53 waits-once',
      '58 leaves-half',
    ],
    least: 0.9,
  },
  {
    name: 'drills',
    text: drill,
    traps: ['5 checksum-of-a-place', '9 folder-missing', '17 same-day', '18 gpg-asks'],
    least: 1,
  },
]
