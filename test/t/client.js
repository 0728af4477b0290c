// A chat application's calls, one after the other and fifty at a time. Run by
// client.sh; ends with an error at the first thing that is not as it should be.
'use strict';
const assert = require('node:assert/strict');
const { Pool } = require('pg');

const CLIENTS = 50;
const pool = new Pool({ host: process.env.PGHOST, max: CLIENTS });

// The first column of the first row.
async function one(sql, ...values) {
    const result = await pool.query({ text: sql, values, rowMode: 'array' });
    return result.rows[0][0];
}

async function rows(sql, ...values) {
    return (await pool.query(sql, values)).rows;
}

// What went wrong: a code that a program can go by, and a hint for people.
async function refused(code, sql, ...values) {
    await assert.rejects(pool.query(sql, values), (error) => {
        assert.equal(error.code, code);
        assert.ok(error.hint, `${code} has a hint`);
        return true;
    });
}

function everybody(call) {
    return Promise.all(Array.from({ length: CLIENTS }, (_, i) => call(i)));
}

async function chat() {
    const conversation = await one('SELECT chatmig_active_conversation($1)', '1');
    const history = 'SELECT role, content, model, metadata, tokens FROM chatmig_history($1)';
    assert.deepEqual((await rows(history, conversation)).map((m) => [m.role, m.content]),
        [['user', 'Hi 👋'], ['assistant', 'Hello.']]);

    // a question, and its answer with all that is known of it
    await one('SELECT chatmig_append($1, $2, $3)', conversation, 'user', "It's me; DROP TABLE \\ 😀");
    await one(`SELECT chatmig_append($1, 'assistant', $2, model => $3, tokens => $4, metadata => $5)`,
        conversation, 'I know.', 'm2', 42, { tools: ['search'], ok: true });
    const last = (await rows(history, conversation)).slice(-2);
    assert.equal(last[0].content, "It's me; DROP TABLE \\ 😀");
    assert.deepEqual(last[1], {
        role: 'assistant', content: 'I know.', model: 'm2', tokens: '42',
        metadata: { tools: ['search'], ok: true },
    });

    // long ones come back as they went
    const long = 'äöü'.repeat(1000000);
    await one(`SELECT chatmig_append($1, 'user', $2)`, conversation, long);
    assert.equal((await rows(history, conversation)).at(-1).content, long);

    // a picture
    const medium = await one('SELECT chatmig_create_media($1, $2, $3)', '1', 'https://example.org/cat', 'image/png');
    await one(`SELECT chatmig_append($1, 'user', NULL, media => $2)`, conversation, medium);
    const [shown] = await rows('SELECT content, media_url FROM chatmig_history($1, 1)', conversation);
    assert.deepEqual(shown, { content: null, media_url: 'https://example.org/cat' });
    return conversation;
}

// Fifty ask for a new owner's conversation: there is one.
async function getOrCreate() {
    const ids = await everybody(() => one('SELECT chatmig_active_conversation($1, $2)', '2', '7'));
    assert.equal(new Set(ids).size, 1);
    assert.equal(await one('SELECT conversations FROM chatmig_statistics($1)', '2'), '1');
    return ids[0];
}

// Fifty write to it: no position is missing, none is there twice, pairs stay
// together, and pages show each message once.
async function appendTogether(conversation) {
    await everybody((i) => i % 2
        ? one(`SELECT chatmig_append($1, 'user', $2)`, conversation, `single ${i}`)
        : one('SELECT question_message FROM chatmig_append_pair($1, $2, $3)', conversation, `pair ${i}`, `answer ${i}`));
    const seen = [];
    let before = null;
    for (;;) {
        const page = await rows('SELECT "position", content FROM chatmig_history($1, 7, $2)', conversation, before);
        if (page.length === 0)
            break;
        seen.unshift(...page);
        before = page[0].position;
    }
    assert.deepEqual(seen.map((m) => Number(m.position)), seen.map((_, i) => i));
    assert.equal(seen.length, CLIENTS * 1.5);
    seen.forEach((message, i) => {
        if (message.content.startsWith('pair'))
            assert.equal(seen[i + 1].content, message.content.replace('pair', 'answer'));
    });
    const pairs = await rows('SELECT question, answer FROM chatmig_pairs(conversation => $1)', conversation);
    assert.equal(pairs.length, CLIENTS);
}

async function refusals(conversation) {
    await refused('22023', `SELECT chatmig_append($1, 'robot', 'x')`, conversation);
    await refused('22P02', `SELECT chatmig_append('nonsense', 'user', 'x')`);
    await refused('P0002', 'SELECT * FROM chatmig_history($1)', '00000000-0000-0000-0000-000000000000');
    await one('SELECT chatmig_archive_conversation($1)', conversation);
    await refused('55000', `SELECT chatmig_append($1, 'user', 'x')`, conversation);
    assert.notEqual(await one('SELECT chatmig_active_conversation($1, $2)', '2', '7'), conversation);
    // a transaction that failed has left nothing
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(`SELECT chatmig_append(chatmig_active_conversation('3'), 'user', 'lost')`);
    await client.query('ROLLBACK');
    client.release();
    assert.equal(await one('SELECT messages FROM chatmig_statistics($1)', '3'), '0');
}

async function end() {
    const reset = await rows('SELECT * FROM chatmig_reset($1)', '2');
    assert.deepEqual(reset, [{ conversations: '2', messages: String(CLIENTS * 1.5) }]);
    const list = await rows('SELECT title, messages, last_role, active FROM chatmig_conversations($1)', '1');
    assert.deepEqual(list, [{ title: 'Hi 👋', messages: '6', last_role: 'user', active: true }]);
}

(async () => {
    await chat();
    const conversation = await getOrCreate();
    await appendTogether(conversation);
    await refusals(conversation);
    await end();
    await pool.end();
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
