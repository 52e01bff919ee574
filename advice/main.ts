import { judgeCorpus, scoresOf } from './corpus.ts';

/** `npm run advice`: every file that the checks judge otherwise than a person, then precision and recall of each rule. */
export async function run(): Promise<number> {
  const judged = judgeCorpus();
  for (const { rule, name, expected, said } of judged) {
    if (said !== expected) process.stdout.write(`${rule} ${name}: expected ${expected}, said ${said}\n`);
  }
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`.padStart(10);
  process.stdout.write(
    `${'rule'.padEnd(20)}${'files'.padStart(8)}${'right'.padStart(8)}${'wrong'.padStart(8)}${'missed'.padStart(8)}${'precision'.padStart(11)}${'recall'.padStart(10)}\n`,
  );
  for (const { rule, files, right, wrong, missed, precision, recall } of scoresOf(judged)) {
    const counts = [files, right, wrong, missed].map((count) => String(count).padStart(8)).join('');
    process.stdout.write(`${rule.padEnd(20)}${counts} ${percent(precision)}${percent(recall)}\n`);
  }
  return 0;
}
