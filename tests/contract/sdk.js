// Every operation by the AWS SDK for JavaScript: node sdk.js URL FILE, keys in the environment.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const sdk = require("@aws-sdk/client-glacier");

const [url, file] = process.argv.slice(2);
const data = fs.readFileSync(file);
const MIB = 1 << 20;
const client = new sdk.Glacier({ endpoint: url, region: "eu-north-1", maxAttempts: 1 });
const v = { vaultName: "a.b_C-1" };
const arn = "arn:aws:glacier:eu-north-1:000000000000:vaults/a.b_C-1";
const topic = "arn:aws:sns:eu-north-1:000000000000:t";
const deny = { Effect: "Deny", Principal: "*", Action: "glacier:DeleteArchive", Resource: arn };
const policy = { Policy: JSON.stringify({ Version: "2012-10-17", Statement: [deny] }) };

async function all(pages, key) {
  const items = [];
  for await (const page of pages) items.push(...page[key]);
  return items;
}

async function vaults() {
  await client.createVault(v);
  await sdk.waitUntilVaultExists({ client, maxWaitTime: 5 }, v);
  await sdk.waitUntilVaultNotExists({ client, maxWaitTime: 5 }, { vaultName: "nope" });
  assert.equal((await client.describeVault(v)).VaultARN, arn);
  await client.createVault({ vaultName: "spare", accountId: "000000000000" });
  const pages = sdk.paginateListVaults({ client, pageSize: 1 }, {});
  assert.equal((await all(pages, "VaultList")).length, 2);
  await client.deleteVault({ vaultName: "spare" });
  await client.addTagsToVault({ ...v, Tags: { a: "é", b: "" } });
  await client.removeTagsFromVault({ ...v, TagKeys: ["b"] });
  assert.deepEqual((await client.listTagsForVault(v)).Tags, { a: "é" });
}

async function uploads() {
  const streamed = await client.uploadArchive({ ...v, body: fs.createReadStream(file) });
  await client.deleteArchive({ ...v, archiveId: streamed.archiveId });
  const spare = await client.initiateMultipartUpload({ ...v, partSize: `${MIB}` });
  await client.abortMultipartUpload({ ...v, uploadId: spare.uploadId });
  const { uploadId } = await client.initiateMultipartUpload({ ...v, partSize: `${MIB}` });
  const u = { ...v, uploadId };
  const starts = Array.from({ length: Math.ceil(data.length / MIB) }, (_, i) => i * MIB).reverse();
  await Promise.all(
    starts.map((start) => {
      const body = data.subarray(start, start + MIB);
      const range = `bytes ${start}-${start + body.length - 1}/*`;
      return client.uploadMultipartPart({ ...u, range, body });
    }),
  );
  assert.equal((await client.listMultipartUploads(v)).UploadsList.length, 1);
  const parts = await all(sdk.paginateListParts({ client, pageSize: 2 }, { ...u }), "Parts");
  assert.equal(parts.length, starts.length);
  const checksum = streamed.checksum;
  const size = { archiveSize: `${data.length}`, checksum };
  const done = await client.completeMultipartUpload({ ...u, ...size });
  assert.equal(done.checksum, checksum);
  return done;
}

async function jobs({ archiveId, checksum }) {
  const start = async (jobParameters) => ({
    ...v,
    jobId: (await client.initiateJob({ ...v, jobParameters })).jobId,
  });
  const job = await start({ Type: "archive-retrieval", ArchiveId: archiveId, Tier: "Bulk" });
  assert.equal((await client.describeJob(job)).ArchiveSHA256TreeHash, checksum);
  const whole = await client.getJobOutput(job);
  assert.deepEqual([whole.status, whole.checksum], [200, checksum]);
  assert.ok(data.equals(await whole.body.transformToByteArray()));
  const part = await client.getJobOutput({ ...job, range: "bytes=5-9" });
  assert.deepEqual([part.status, part.contentRange], [206, `bytes 5-9/${data.length}`]);
  assert.ok(data.subarray(5, 10).equals(await part.body.transformToByteArray()));
  const InventoryRetrievalParameters = { StartDate: new Date(Date.now() - 86400000), Limit: "1" };
  const inventory = await start({ Type: "inventory-retrieval", InventoryRetrievalParameters });
  const listed = JSON.parse(await (await client.getJobOutput(inventory)).body.transformToString());
  assert.equal(listed.ArchiveList[0].ArchiveId, archiveId);
  const pages = sdk.paginateListJobs({ client, pageSize: 1 }, { ...v });
  assert.equal((await all(pages, "JobList")).length, 2);
}

async function settings() {
  const told = { SNSTopic: topic, Events: ["ArchiveRetrievalCompleted"] };
  await client.setVaultNotifications({ ...v, vaultNotificationConfig: told });
  assert.deepEqual((await client.getVaultNotifications(v)).vaultNotificationConfig, told);
  await client.deleteVaultNotifications(v);
  await client.setVaultAccessPolicy({ ...v, policy });
  assert.deepEqual((await client.getVaultAccessPolicy(v)).policy, policy);
  await client.deleteVaultAccessPolicy(v);
  await client.initiateVaultLock({ ...v, policy });
  await client.abortVaultLock(v);
  const { lockId } = await client.initiateVaultLock({ ...v, policy });
  await client.completeVaultLock({ ...v, lockId });
  assert.equal((await client.getVaultLock(v)).State, "Locked");
  const Policy = { Rules: [{ Strategy: "BytesPerHour", BytesPerHour: 2 ** 40 }] };
  await client.setDataRetrievalPolicy({ Policy });
  assert.deepEqual((await client.getDataRetrievalPolicy({})).Policy, Policy);
  const { capacityId } = await client.purchaseProvisionedCapacity({});
  const { ProvisionedCapacityList: units } = await client.listProvisionedCapacity({});
  assert.equal(units[0].CapacityId, capacityId);
}

async function refusals({ archiveId }) {
  const unhashed = { ...v, body: fs.createReadStream(file), checksum: "0".repeat(64) };
  const large = { vaultName: "nope", body: Buffer.alloc(40 * MIB) };
  for (const [call, name, status] of [
    [() => client.deleteArchive({ ...v, archiveId }), "AccessDeniedException", 403],
    [() => client.uploadArchive(unhashed), "InvalidParameterValueException", 400],
    [() => client.uploadArchive(large), "ResourceNotFoundException", 404],
    [() => client.initiateJob({ ...v }), "MissingParameterValueException", 400],
  ]) {
    await assert.rejects(call, (error) => {
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, status]);
      return true;
    });
  }
}

(async () => {
  await vaults();
  const archive = await uploads();
  await jobs(archive);
  await settings();
  await refusals(archive);
})();
