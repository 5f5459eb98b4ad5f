//! The tables as Diesel sees them: one description for both databases, kept by hand.

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        password_hash -> Text,
        role -> Text,
        status -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        token_hash -> Binary,
        user_id -> BigInt,
        created_at_ms -> BigInt,
        last_seen_at_ms -> BigInt,
        expires_at_ms -> BigInt,
        address -> Text,
        agent -> Text,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        token_hash -> Binary,
        user_id -> BigInt,
        name -> Text,
        scope -> Text,
        created_at_ms -> BigInt,
        last_used_at_ms -> Nullable<BigInt>,
        revoked_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    domains (id) {
        id -> BigInt,
        host -> Text,
        kind -> Text,
        fallback_url -> Text,
        status -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    advertisers (id) {
        id -> BigInt,
        name -> Text,
        kind -> Text,
        preset -> Nullable<Text>,
        currency -> Text,
        status -> Text,
        postback_key -> Text,
        previous_key -> Nullable<Text>,
        previous_key_until_ms -> Nullable<BigInt>,
        hmac_mode -> Text,
        hmac_secret_sealed -> Nullable<Text>,
        allow_addresses -> Text,
        param_map -> Text,
        status_map -> Text,
        event_map -> Text,
        duplicate_mode -> Text,
        duplicate_modes -> Text,
        missing_status -> Text,
        reopen_rejected -> Nullable<Bool>,
        window_days -> BigInt,
        answers -> Text,
        reply_body -> Nullable<Text>,
        is_pixel_on -> Bool,
        forward_unknown_to -> Nullable<Text>,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
        previous_secret_sealed -> Nullable<Text>,
        previous_secret_until_ms -> Nullable<BigInt>,
        test_click_id -> Nullable<Text>,
    }
}

diesel::table! {
    offers (id) {
        id -> BigInt,
        name -> Text,
        advertiser_id -> BigInt,
        url -> Text,
        currency -> Text,
        revenue_micros -> Nullable<BigInt>,
        revenue_percent_millionths -> Nullable<BigInt>,
        revenue_mode -> Text,
        payout_micros -> Nullable<BigInt>,
        payout_percent_millionths -> Nullable<BigInt>,
        payout_of -> Text,
        hold_days -> BigInt,
        events -> Text,
        access -> Text,
        approval_percent_millionths -> Nullable<BigInt>,
        preview_url -> Text,
        countries -> Text,
        caps -> Text,
        at_cap -> Text,
        active_from_ms -> Nullable<BigInt>,
        active_until_ms -> Nullable<BigInt>,
        status -> Text,
        tags -> Text,
        notes -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    landers (id) {
        id -> BigInt,
        name -> Text,
        url -> Text,
        offer_links -> BigInt,
        status -> Text,
        tags -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    sources (id) {
        id -> BigInt,
        name -> Text,
        kind -> Text,
        partner_key -> Text,
        preset -> Nullable<Text>,
        external_id_param -> Nullable<Text>,
        cost_param -> Nullable<Text>,
        cost_unit -> Text,
        cost_model -> Text,
        cost_amount_micros -> Nullable<BigInt>,
        currency -> Text,
        tokens -> Text,
        status -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
        external_id_macro -> Nullable<Text>,
        cost_macro -> Nullable<Text>,
    }
}

diesel::table! {
    campaigns (id) {
        id -> BigInt,
        name -> Text,
        slug -> Text,
        domain_id -> Nullable<BigInt>,
        source_id -> Nullable<BigInt>,
        owner_id -> Nullable<BigInt>,
        append_query -> Bool,
        redirect -> Text,
        is_sticky -> Bool,
        is_smart_order -> Bool,
        is_skip_converted -> Bool,
        unique_window_hours -> BigInt,
        fallback_url -> Text,
        cost_model -> Nullable<Text>,
        cost_amount_micros -> Nullable<BigInt>,
        status -> Text,
        is_test -> Bool,
        tags -> Text,
        notes -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    catalog_changes (id) {
        id -> BigInt,
        version -> BigInt,
        changed_at_ms -> BigInt,
    }
}

diesel::table! {
    paths (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        rule_id -> Nullable<BigInt>,
        position -> BigInt,
        name -> Text,
        weight -> BigInt,
        status -> Text,
        landers -> Text,
        offers -> Text,
    }
}

diesel::table! {
    rules (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        position -> BigInt,
        name -> Text,
        conditions -> Text,
        status -> Text,
    }
}

diesel::table! {
    lists (id) {
        id -> BigInt,
        name -> Text,
        kind -> Text,
        status -> Text,
        version -> BigInt,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    list_values (list_id, value) {
        list_id -> BigInt,
        value -> Text,
    }
}

diesel::table! {
    user_agents (id) {
        id -> BigInt,
        agent -> Text,
    }
}

diesel::table! {
    clicks (id) {
        id -> Binary,
        campaign_id -> BigInt,
        clicked_at_ms -> BigInt,
        source_id -> Nullable<BigInt>,
        path_id -> Nullable<BigInt>,
        rule_id -> Nullable<BigInt>,
        lander_id -> Nullable<BigInt>,
        offer_id -> Nullable<BigInt>,
        refusal -> Nullable<Text>,
        external_id -> Nullable<Text>,
        cost_original_micros -> Nullable<BigInt>,
        cost_currency -> Nullable<Text>,
        cost_recorded_micros -> BigInt,
        cost_micros -> BigInt,
        country -> Nullable<Text>,
        region -> Nullable<Text>,
        city -> Nullable<Text>,
        isp -> Nullable<Text>,
        asn -> Nullable<BigInt>,
        connection -> Nullable<Text>,
        device -> Text,
        brand -> Nullable<Text>,
        model -> Nullable<Text>,
        os -> Nullable<Text>,
        os_version -> Nullable<Text>,
        browser -> Nullable<Text>,
        browser_version -> Nullable<Text>,
        language -> Nullable<Text>,
        referrer_host -> Nullable<Text>,
        address -> Nullable<Text>,
        agent_id -> BigInt,
        domain -> Nullable<Text>,
        is_unique -> Bool,
        is_bot -> Bool,
        bot_reason -> Nullable<Text>,
        is_test -> Bool,
        is_cut -> Bool,
        lp_clicks -> BigInt,
        last_offer_id -> Nullable<BigInt>,
        params -> Nullable<Text>,
        sub1 -> Nullable<Text>,
        sub2 -> Nullable<Text>,
        sub3 -> Nullable<Text>,
        sub4 -> Nullable<Text>,
        sub5 -> Nullable<Text>,
        sub6 -> Nullable<Text>,
        sub7 -> Nullable<Text>,
        sub8 -> Nullable<Text>,
        sub9 -> Nullable<Text>,
        sub10 -> Nullable<Text>,
        sub11 -> Nullable<Text>,
        sub12 -> Nullable<Text>,
        sub13 -> Nullable<Text>,
        sub14 -> Nullable<Text>,
        sub15 -> Nullable<Text>,
        sub16 -> Nullable<Text>,
        sub17 -> Nullable<Text>,
        sub18 -> Nullable<Text>,
        sub19 -> Nullable<Text>,
        sub20 -> Nullable<Text>,
    }
}

diesel::table! {
    lp_clicks (id) {
        id -> Binary,
        click_id -> Binary,
        campaign_id -> BigInt,
        lander_id -> Nullable<BigInt>,
        offer_id -> Nullable<BigInt>,
        clicked_at_ms -> BigInt,
        is_counted -> Bool,
    }
}

diesel::table! {
    cap_uses (offer_id, cap, window_ms) {
        offer_id -> BigInt,
        cap -> Text,
        window_ms -> BigInt,
        value -> BigInt,
    }
}

diesel::table! {
    conversions (id) {
        id -> BigInt,
        click_id -> Binary,
        event -> Text,
        txid -> Text,
        seq -> BigInt,
        advertiser_id -> BigInt,
        campaign_id -> BigInt,
        path_id -> Nullable<BigInt>,
        lander_id -> Nullable<BigInt>,
        offer_id -> Nullable<BigInt>,
        source_id -> Nullable<BigInt>,
        clicked_at_ms -> BigInt,
        converted_at_ms -> BigInt,
        recorded_at_ms -> BigInt,
        updated_at_ms -> BigInt,
        status -> Text,
        advertiser_status -> Nullable<Text>,
        revenue_original_micros -> BigInt,
        revenue_reported_micros -> Nullable<BigInt>,
        currency -> Text,
        rate_nanos -> BigInt,
        revenue_micros -> BigInt,
        payout_status -> Text,
        payout_original_micros -> BigInt,
        payout_currency -> Nullable<Text>,
        payout_rate_nanos -> BigInt,
        payout_micros -> BigInt,
        sale_amount_micros -> Nullable<BigInt>,
        counts_as_conversion -> Bool,
        counts_in_revenue -> Bool,
        is_over_cap -> Bool,
        is_bot -> Bool,
        is_test -> Bool,
        reason -> Nullable<Text>,
        params -> Text,
        cap_revenue_micros -> Nullable<BigInt>,
        cap_payout_micros -> Nullable<BigInt>,
        origin -> Text,
        is_unconfirmed -> Bool,
        said_address -> Nullable<Text>,
        said_country -> Nullable<Text>,
        said_device -> Nullable<Text>,
        said_device_id -> Nullable<Text>,
        said_agent -> Nullable<Text>,
        anomalies -> BigInt,
    }
}

diesel::table! {
    conversion_changes (id) {
        id -> BigInt,
        conversion_id -> BigInt,
        at_ms -> BigInt,
        from_status -> Nullable<Text>,
        to_status -> Text,
        from_revenue_micros -> Nullable<BigInt>,
        to_revenue_micros -> BigInt,
        from_payout_micros -> Nullable<BigInt>,
        to_payout_micros -> BigInt,
        cause -> Text,
        postback_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        why -> Text,
        source_txid -> Nullable<Text>,
    }
}

diesel::table! {
    postbacks_received (id) {
        id -> BigInt,
        received_at_ms -> BigInt,
        advertiser_id -> Nullable<BigInt>,
        method -> Text,
        address -> Text,
        content_type -> Nullable<Text>,
        raw_query -> Binary,
        raw_body -> Binary,
        request_hash -> Binary,
        result -> Text,
        code -> Text,
        message -> Text,
        click_id -> Nullable<Binary>,
        event -> Nullable<Text>,
        txid -> Nullable<Text>,
        conversion_id -> Nullable<BigInt>,
        is_test -> Bool,
        is_waiting -> Bool,
        settled_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    words_seen (advertiser_id, kind, word) {
        advertiser_id -> BigInt,
        kind -> Text,
        word -> Text,
        seen -> BigInt,
        first_seen_at_ms -> BigInt,
        last_seen_at_ms -> BigInt,
    }
}

diesel::table! {
    destinations (id) {
        id -> BigInt,
        name -> Text,
        source_id -> Nullable<BigInt>,
        campaign_id -> Nullable<BigInt>,
        offer_id -> Nullable<BigInt>,
        replaces_global -> Bool,
        fire -> Text,
        success_match -> Nullable<Text>,
        preset -> Nullable<Text>,
        method -> Text,
        url -> Text,
        headers_sealed -> Nullable<Text>,
        body -> Nullable<Text>,
        events -> Text,
        statuses -> Text,
        delay_seconds -> BigInt,
        status -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
        body_kind -> Text,
        is_test -> Bool,
        oauth_sealed -> Nullable<Text>,
    }
}

diesel::table! {
    deliveries (id) {
        id -> BigInt,
        destination_id -> BigInt,
        conversion_id -> BigInt,
        occasion -> BigInt,
        idempotency_key -> Text,
        state -> Text,
        skip_reason -> Nullable<Text>,
        attempts -> BigInt,
        next_attempt_at_ms -> Nullable<BigInt>,
        lease_until_ms -> Nullable<BigInt>,
        created_at_ms -> BigInt,
        told_status -> Text,
        revenue_micros -> BigInt,
        payout_micros -> BigInt,
        sale_amount_micros -> Nullable<BigInt>,
        failures -> BigInt,
        give_up_at_ms -> BigInt,
        last_at_ms -> Nullable<BigInt>,
        last_code -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    delivery_attempts (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        at_ms -> BigInt,
        url -> Text,
        body -> Nullable<Text>,
        code -> Nullable<BigInt>,
        response -> Nullable<Text>,
        duration_ms -> BigInt,
        error -> Nullable<Text>,
        destination_id -> BigInt,
    }
}

diesel::table! {
    journal_positions (journal, worker) {
        journal -> Text,
        worker -> BigInt,
        segment -> BigInt,
        byte_offset -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    nonces (advertiser_id, nonce) {
        advertiser_id -> BigInt,
        nonce -> Binary,
        request_hash -> Binary,
        seen_at_ms -> BigInt,
        answer -> Text,
    }
}

diesel::table! {
    rollup_quarters (bucket_ms, campaign_id, attribution, is_bot, is_test, writer_id) {
        bucket_ms -> BigInt,
        campaign_id -> BigInt,
        attribution -> Text,
        is_bot -> Bool,
        is_test -> Bool,
        writer_id -> BigInt,
        clicks -> BigInt,
        uniques -> BigInt,
        lp_views -> BigInt,
        lp_clicks -> BigInt,
        lp_clickers -> BigInt,
        cost_micros -> BigInt,
        costed_clicks -> BigInt,
        leads -> BigInt,
        pending -> BigInt,
        approved -> BigInt,
        rejected -> BigInt,
        reversed -> BigInt,
        revenue_micros -> BigInt,
        pending_revenue_micros -> BigInt,
        payout_micros -> BigInt,
        pending_payout_micros -> BigInt,
        sale_amount_micros -> BigInt,
        sales -> BigInt,
    }
}

diesel::table! {
    rollup_hours (bucket_ms, campaign_id, attribution, is_bot, is_test, writer_id) {
        bucket_ms -> BigInt,
        campaign_id -> BigInt,
        attribution -> Text,
        is_bot -> Bool,
        is_test -> Bool,
        writer_id -> BigInt,
        clicks -> BigInt,
        uniques -> BigInt,
        lp_views -> BigInt,
        lp_clicks -> BigInt,
        lp_clickers -> BigInt,
        cost_micros -> BigInt,
        costed_clicks -> BigInt,
        leads -> BigInt,
        pending -> BigInt,
        approved -> BigInt,
        rejected -> BigInt,
        reversed -> BigInt,
        revenue_micros -> BigInt,
        pending_revenue_micros -> BigInt,
        payout_micros -> BigInt,
        pending_payout_micros -> BigInt,
        sale_amount_micros -> BigInt,
        sales -> BigInt,
    }
}

diesel::table! {
    fx_rates (currency, day) {
        currency -> Text,
        day -> Text,
        rate_nanos -> BigInt,
        source -> Text,
        created_at_ms -> BigInt,
    }
}

diesel::table! {
    imports (id) {
        id -> BigInt,
        created_at_ms -> BigInt,
        user_id -> BigInt,
        advertiser_id -> BigInt,
        file_name -> Text,
        byte_count -> BigInt,
        plan -> Text,
        mode -> Text,
        state -> Text,
        node -> BigInt,
        row_count -> BigInt,
        done_count -> BigInt,
        accepted_count -> BigInt,
        duplicate_count -> BigInt,
        parked_count -> BigInt,
        refused_count -> BigInt,
        touched_at_ms -> BigInt,
        started_at_ms -> Nullable<BigInt>,
        ended_at_ms -> Nullable<BigInt>,
        message -> Text,
    }
}

diesel::table! {
    import_parts (import_id, part) {
        import_id -> BigInt,
        part -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    import_faults (import_id, line) {
        import_id -> BigInt,
        line -> BigInt,
        code -> Text,
        message -> Text,
        line_text -> Text,
    }
}

diesel::table! {
    import_mappings (advertiser_id) {
        advertiser_id -> BigInt,
        mapping -> Text,
    }
}

diesel::table! {
    postback_replays (id) {
        id -> BigInt,
        postback_id -> BigInt,
        at_ms -> BigInt,
        user_id -> BigInt,
        is_release -> Bool,
        why -> Text,
        code_before -> Text,
        message_before -> Text,
        code_after -> Text,
        message_after -> Text,
    }
}

diesel::table! {
    recalculations (id) {
        id -> BigInt,
        created_at_ms -> BigInt,
        user_id -> BigInt,
        why -> Text,
        offer_id -> Nullable<BigInt>,
        advertiser_id -> Nullable<BigInt>,
        from_day -> Text,
        to_day -> Text,
        time_zone -> Text,
        from_ms -> BigInt,
        to_ms -> BigInt,
        takes_terms -> Bool,
        takes_rates -> Bool,
        finished_at_ms -> Nullable<BigInt>,
        taken_back_by -> Nullable<BigInt>,
        taken_back_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    recalculated_conversions (recalculation_id, conversion_id) {
        recalculation_id -> BigInt,
        conversion_id -> BigInt,
        currency_before -> Text,
        original_before_micros -> BigInt,
        rate_before_nanos -> BigInt,
        revenue_before_micros -> BigInt,
        currency_after -> Text,
        original_after_micros -> BigInt,
        rate_after_nanos -> BigInt,
        revenue_after_micros -> BigInt,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    campaign_aliases (alias) {
        alias -> Text,
        campaign_id -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    old_postback_keys (postback_key) {
        postback_key -> Text,
        advertiser_id -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    foreign_clicks (foreign_id) {
        foreign_id -> Text,
        click_id -> Binary,
        is_counted -> Bool,
        imported_at_ms -> BigInt,
    }
}

diesel::table! {
    parked_foreign (postback_id) {
        postback_id -> BigInt,
        foreign_id -> Text,
        parked_at_ms -> BigInt,
    }
}

diesel::table! {
    forwards (id) {
        id -> BigInt,
        postback_id -> BigInt,
        advertiser_id -> BigInt,
        url -> Text,
        state -> Text,
        attempts -> BigInt,
        due_at_ms -> BigInt,
        give_up_at_ms -> BigInt,
        leased_until_ms -> BigInt,
        last_code -> Nullable<BigInt>,
        last_answer -> Text,
        last_error -> Text,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
    }
}

diesel::table! {
    reconciliations (id) {
        id -> BigInt,
        created_at_ms -> BigInt,
        user_id -> BigInt,
        advertiser_id -> BigInt,
        file_name -> Text,
        byte_count -> BigInt,
        first_day -> Text,
        last_day -> Text,
        zone -> Text,
        mapping -> Text,
        day_order -> Nullable<Text>,
        state -> Text,
        their_count -> BigInt,
        our_count -> BigInt,
        matched_count -> BigInt,
        outside_count -> BigInt,
        days -> Text,
    }
}

diesel::table! {
    reconciliation_parts (reconciliation_id, part) {
        reconciliation_id -> BigInt,
        part -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    reconciliation_rows (id) {
        id -> BigInt,
        reconciliation_id -> BigInt,
        list -> Text,
        line -> Nullable<BigInt>,
        line_text -> Text,
        said -> Text,
        their_txid -> Text,
        their_click -> Text,
        their_status -> Text,
        their_amount_micros -> Nullable<BigInt>,
        their_currency -> Nullable<Text>,
        their_at_ms -> Nullable<BigInt>,
        conversion_id -> Nullable<BigInt>,
        our_txid -> Text,
        our_click -> Text,
        our_event -> Text,
        our_status -> Nullable<Text>,
        our_amount_micros -> Nullable<BigInt>,
        our_currency -> Nullable<Text>,
        our_at_ms -> Nullable<BigInt>,
        note -> Text,
        repair -> Nullable<Text>,
        repaired_at_ms -> Nullable<BigInt>,
        outcome -> Text,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users);
diesel::allow_tables_to_appear_in_same_query!(api_tokens, users);
diesel::allow_tables_to_appear_in_same_query!(clicks, postbacks_received);
diesel::allow_tables_to_appear_in_same_query!(deliveries, destinations);
diesel::allow_tables_to_appear_in_same_query!(campaign_aliases, campaigns);
diesel::allow_tables_to_appear_in_same_query!(old_postback_keys, advertisers);
diesel::allow_tables_to_appear_in_same_query!(clicks, parked_foreign, foreign_clicks);
diesel::joinable!(postback_replays -> users (user_id));
diesel::joinable!(recalculations -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(postback_replays, users);
diesel::allow_tables_to_appear_in_same_query!(recalculations, users);
diesel::allow_tables_to_appear_in_same_query!(conversions, advertisers);
