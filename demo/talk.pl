#!/usr/bin/perl
#
# Prints AuraFlow's chat_messages as COPY text: user_id, message, response,
# model, timestamp, session_id, in the order in which the rows were written.
#
# What people say comes from the quotations of Debian's fortunes packages, what
# they get as an answer from Chatbot::Eliza. Among it stands everything that
# makes an old chat table hard to convert; demo/1-before.sql counts it.
# The same packages give the same rows at every run.

use strict;
use warnings;
use utf8;

# Eliza walks through hashes, so their order must not be a random one.
BEGIN {
    unless (($ENV{PERL_HASH_SEED} // '') eq '0') {
        @ENV{qw(PERL_HASH_SEED PERL_PERTURB_KEYS)} = (0, 0);
        exec $^X, $0, @ARGV or die "$0: cannot start $^X: $!\n";
    }
}

use Chatbot::Eliza;
use POSIX qw(strftime);

my $FORTUNES = '/usr/share/games/fortunes';
my @BOOKS    = qw(wisdom work love pets food startrek computers literature);
my $USERS    = 12;         # of the 13 in schema.sql: one of them never wrote
my $SESSIONS = 190;
my $FIRST_DAY = 1672531200;    # 2023-01-01 00:00 UTC
my $DAYS      = 700;
my $MODEL_DAY = $FIRST_DAY + 200 * 86400;    # the column came later

srand 1967;
binmode STDOUT, ':encoding(UTF-8)';

my @quotations = map { quotations_of($_) } @BOOKS;
my $next_quotation = 0;
my %eliza_of;
my @pairs;    # {id, user, session, time, message, response, model}

# Common talk: sessions in which an odd thing happens now and then.
for my $n (1 .. $SESSIONS) {
    my $user = $n % 16 == 0 ? undef : 1 + int(rand $USERS);
    my $session = sprintf 'ws-%08x', int(rand 2**32);
    talk($user, $session, some_evening(), map { next_quotation() } 1 .. 6 + int(rand 13));
}

# Rows from before there was a session_id; of guests, too.
talk($_, undef, $FIRST_DAY - 86400 * (30 - $_), map { next_quotation() } 1 .. 9) for 1, 4, 7;
talk(undef, undef, $FIRST_DAY - 86400 * 20, map { next_quotation() } 1 .. 3);

# One name for the sessions of two users, at the same time.
talk($_, 'web', $FIRST_DAY + 400 * 86400, map { next_quotation() } 1 .. 12) for 2, 3;

# A session that can be read from start to end.
talk(1, 'ws-evening', $FIRST_DAY + 500 * 86400 + 20 * 3600,
    'Good evening. I need some help 🙂',
    "I remember a table with years of\nreal people's words in it.",
    'My boss wants me to convert it tonight 😱',
    "Because it's \"easy\", he says. C:\\temp\\convert.sql is all I have.",
    'I am afraid of losing rows.',
    'Can you help me?',
    'Maybe I can go to bed now. Спокойной ночи! おやすみ 🌙',
);

# Texts that break naive converters.
talk(5, 'ws-oddities', $FIRST_DAY + 510 * 86400, odd_texts());

odd_pairs();
late_import();
my $row = 0;
print_pair($_) for sort { $a->{written} <=> $b->{written} || $a->{number} <=> $b->{number} } @pairs;

# ---------------------------------------------------------------------------

# The quotations of one file, short enough to be said in a chat.
sub quotations_of
{
    my ($book) = @_;
    open my $file, '<:encoding(UTF-8)', "$FORTUNES/$book.u8"
        or die "$0: $FORTUNES/$book.u8: $! (Debian package: fortunes)\n";
    local $/ = "\n%\n";
    my @texts = grep { length > 1 && length() < 500 } map { s/\s*\n%\n\z|\s+\z//r } <$file>;
    die "$0: $FORTUNES/$book.u8 holds no quotation\n" unless @texts;
    return @texts;
}

# Without order, but each only once before all have been said.
sub next_quotation
{
    if ($next_quotation == 0) {
        for my $i (reverse 1 .. $#quotations) {
            my $j = int(rand($i + 1));
            @quotations[$i, $j] = @quotations[$j, $i];
        }
    }
    my $text = $quotations[$next_quotation];
    $next_quotation = ($next_quotation + 1) % @quotations;
    $text =~ s/\n\s*-- .*//s if rand() < 0.9;    # few people name their source
    return $text;
}

# Each user has an Eliza, and she remembers.
sub answer
{
    my ($user, $message) = @_;
    my $eliza = $eliza_of{ $user // 'guest' } //= do {
        my $new = Chatbot::Eliza->new;
        $new->myrand(sub { rand($_[0] // 1) });
        $new;
    };

    # Her own debugging output trips over a % in the text.
    local $SIG{__WARN__} = sub { warn @_ unless $_[0] =~ /in sprintf/ };
    my $answer = $eliza->transform($message =~ s/\s+/ /gr);
    return $answer =~ s/\s+([.?!])/$1/gr;
}

# One session: a pair for each message. Its time is when the answer was there.
sub talk
{
    my ($user, $session, $start, @messages) = @_;
    my $time = $start;
    for my $message (@messages) {
        $time += rand() < 0.04 ? 0 : 5 + int(rand 170);    # the clock counts seconds
        push @pairs, {
            number   => scalar @pairs,
            user     => $user,
            session  => $session,
            time     => $time,
            written  => $time,
            message  => $message,
            response => answer($user, $message),
            model    => $time < $MODEL_DAY ? undef : 'eliza-1.08',
        };
    }
}

# Evenings on which many people are there, so that their rows interleave.
sub some_evening
{
    return $FIRST_DAY + 7 * 86400 * int(rand($DAYS / 7)) + 18 * 3600 + int(rand 3600);
}

sub odd_texts
{
    return (
        'Ünïcödé: naïve café, and once more decomposed: cafe' . "\x{301}",
        'emoji of several code points: 👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 👍🏽',
        'beyond 16 bits: 𐌰𐌱𐌲 𝔠𝔥𝔞𝔱 𠜎𠜱 🀄',
        'Не всё то золото, что блестит.',
        '塞翁失馬，焉知非福。',
        '猿も木から落ちる。',
        'الصبر مفتاح الفرج',
        'אם אין אני לי, מי לי?',
        'जैसी करनी वैसी भरनी',
        'ช้าๆ ได้พร้าเล่มงาม',
        'Γνῶθι σεαυτόν',
        'She said: "I don\'t know", and it wasn\'t a \'lie\'.',
        'C:\new\table\x41 \\\\server\share \. \N \0 %s $1 ${HOME} `id`',
        "'); DROP TABLE chat_messages; --",
        '{"role": "user", "content": "I am JSON, and yet a text"}',
        '<b>bold</b> &amp; <script>alert(1)</script>',
        "a tab\there, two  spaces, CR LF\r\nand a lone CR\rand the end: \n",
        "   spaces on both sides   ",
        ' ',
        "\n",
        'NULL',
        '0',
        'Tell me everything that you ever said.',
    );
}

# Things that happen to pairs, each to a fixed share of them.
sub odd_pairs
{
    my @plain = grep { ($_->{session} // '') !~ /^ws-(evening|oddities)$/ } @pairs;

    # The bot speaks first, or nobody answered, or nobody said a thing.
    $plain[$_]{message} = '' for map { 40 * $_ + 7 } 0 .. $#plain / 40 - 1;
    for my $pair (grep { $_->{message} eq '' } @plain) {
        $pair->{response} = 'You have been quiet. Shall we go on? ' . emoji();
    }
    $plain[$_]{response} = '' for map { 150 * $_ + 11 } 0 .. $#plain / 150 - 1;
    @{ $plain[$_] }{qw(message response)} = ('', '') for 500, 1500;

    # Emoji where people put them.
    $plain[ 9 * $_ ]{message} .= ' ' . emoji() for grep { $plain[ 9 * $_ ]{message} ne '' } 0 .. $#plain / 9;

    # No time: here and there, at the start of a session, and two in a row.
    $plain[ 190 * $_ + 3 ]{time} = undef for 0 .. $#plain / 190 - 1;
    my %seen;
    my ($first) = grep { !$seen{ $_->{session} // '' }++ && $_->{number} > 900 } @plain;
    $_->{time} = undef for $first, @pairs[ map { $first->{number} + $_ } 4, 5 ];

    # The session to be read: she speaks first, and once there was no time.
    my @evening = grep { ($_->{session} // '') eq 'ws-evening' } @pairs;
    push @pairs, {
        %{ $evening[0] },
        number   => scalar @pairs,
        time     => $evening[0]{time} - 60,
        written  => $evening[0]{time} - 60,
        message  => '',
        response => 'Good evening, Ada. You asked me to remind you of tonight. ⏰',
    };
    $evening[3]{time} = undef;

    # Sent twice by an impatient finger: the same in all but the id.
    push @pairs, { %{ $plain[$_] }, number => scalar @pairs } for 333, 1234;

    # Regenerated: the same question once more, with another answer.
    for my $pair (@plain[ 222, 777, 1333 ]) {
        push @pairs, {
            %$pair,
            number   => scalar @pairs,
            response => 'Let me say it in another way: ' . lcfirst($pair->{response}),
        };
    }

    # One answer as long as a book's chapter.
    my ($everything) = grep { $_->{message} =~ /^Tell me everything/ } @pairs;
    $everything->{response} = join "\n", map { $_->{response} } @pairs[ 0 .. 1199 ];
}

# A telephone that was offline for months: old times, written last.
sub late_import
{
    my $last = (sort { $b <=> $a } map { $_->{written} } @pairs)[0];
    my $begin = @pairs;
    talk(6, 'phone', $FIRST_DAY + 300 * 86400, map { next_quotation() } 1 .. 14);
    $_->{written} = $last + 3600 for @pairs[ $begin .. $#pairs ];

    # And its rows came in the wrong order.
    my @late = @pairs[ $begin .. $#pairs ];
    $late[$_]{number} = $begin + $#late - $_ for 0 .. $#late;
}

sub emoji
{
    my @emoji = qw(😀 🙂 😢 🤖 🎉 👍🏽 ❤️ 🐘 🌙 👩‍💻);
    return $emoji[ rand @emoji ];
}

sub print_pair
{
    my ($pair) = @_;
    my $time = $pair->{time};
    $time = strftime('%Y-%m-%d %H:%M:%S', gmtime $time) if defined $time;
    print join("\t", map { field($_) } @$pair{qw(user message response model)}, $time, $pair->{session}), "\n";
}

# COPY's text format.
sub field
{
    my ($value) = @_;
    return '\N' unless defined $value;
    my %escape = ("\\" => '\\\\', "\t" => '\t', "\n" => '\n', "\r" => '\r', "\b" => '\b');
    return $value =~ s/([\\\t\n\r\x08])/$escape{$1}/gr;
}
