import { expect, test } from 'vitest'
import { asksForAct } from '../../src/import/duty.ts'

test.each([
  'Drain the queue.',
  'Once it is quiet, flush the cache.',
  'Then page a second engineer.',
  'Bring the standby up.',
  'Process all open refunds by hand.',
  'Tell the support team.',
  'Informieren Sie das Support-Team.',
  'Bitte sperren Sie den Zugang.',
  'Wenn der Dump älter ist, rufen Sie die Leitung an.',
  'Prüfe die letzten Zeilen des Protokolls.',
  'Dann schalte den Proxy um.',
  'Support informieren.',
  'Wartungsseite im Proxy einschalten',
  'Freigabe der Leitung einholen.',
  'Dienste stoppen',
  'Container neu starten.',
  'Cache leeren.',
])('%s asks for an act', (text) => {
  expect(asksForAct({ text })).toBe(true)
})

test.each([
  'After the restore all services are up.',
  'Reads the newest pointer.',
  'Only the API stays online.',
  'Both the dump and its checksum are kept.',
  'Using the script, bundles are made.',
  'Usually a dump takes two minutes.',
  'See the deployment guide.',
  'Is the backup older than a day?',
  'Without a checksum the dump is not used.',
  'Stopped the API at noon.',
  'Dump of all databases of the cluster.',
  'Verification the day after.',
  'Note that the API restarts.',
  'Next the following block:',
  'Both dumps were written',
  'Nothing taken, nothing broken',
  'Downtime between two backups is often hidden',
  'Services that are open',
  'Die Dumps liegen auf dem Server.',
  'Sollten Sie Fragen haben, ist die Leitung da.',
  'Haben Sie den Zugang?',
  'Ausgabe der Prüfung im Protokoll.',
  'Ohne das Backup geht nichts.',
  'Heute das Neueste aus dem Betrieb.',
  'Alle Dienste sind gestoppt worden.',
  'Dienste, die in die Datenbank schreiben',
  'Die Backups werden jede Nacht geschrieben.',
  'Alle Ports offen',
  'Ein Dump pro Tag, mindestens drei vorhanden',
  'Eine Liste der Dienste steht unten.',
  'Services then restart often',
  'Nothing stolen, nothing written',
  'Alle Dienste starten dann neu.',
  'Alte Backups werden nach 14 Tagen entfernt',
])('%s asks for none', (text) => {
  expect(asksForAct({ text })).toBe(false)
})
